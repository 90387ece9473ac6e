"""Pages ask oracles for a covenant once, not at each view; what is not the facility's own is neither shown nor kept."""

from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from api.records.figures import KeptCovenants, OracleReader
from oracle.formats import covenant as covenants
from oracle.formats import wire
from oracle.formats.covenant import Covenant
from registry.acts import Contract
from registry.evidence.gather import EvidenceMissing
from registry.evidence.oracle_port import OracleEndpoint
from registry.transitions import Deployment
from tests.oracle.formats.test_covenant import DOMAIN, covenant
from tests.oracle.judgement_kit import CONTEXT, DAY, ORACLE_SIGNERS

DEPLOYMENT = Deployment(
    DOMAIN.chain_id, {Contract.DEVICES: CONTEXT.registry, Contract.CREDIT: DOMAIN.verifying_contract}
)
COVENANT = covenant()
OTHER_COVENANT = replace(COVENANT, drafted_at=DAY + 1)
FACILITY, OTHER = COVENANT.facility(DOMAIN), OTHER_COVENANT.facility(DOMAIN)


class Oracle:
    """Shows covenants to whom they may be shown; counts how often it was asked. One that lies shows `instead`."""

    def __init__(self, place: int = 0, instead: Covenant | None = None) -> None:
        self.asked, self.is_granted = 0, True
        self._place, self._instead = place, instead
        self._client = httpx.Client(base_url="https://oracle.example", transport=httpx.MockTransport(self._answer))

    @property
    def endpoint(self) -> OracleEndpoint:
        return OracleEndpoint(ORACLE_SIGNERS[self._place].address, self._client)

    def reader(self, place: int, kept: KeptCovenants) -> OracleReader:
        return reader([self], place, kept)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        asked = bytes.fromhex(request.url.path.split("/")[-1][2:])
        found = self._instead or {FACILITY: COVENANT, OTHER: OTHER_COVENANT}[asked]
        return (
            httpx.Response(200, content=wire.dump(covenants.to_json(found))) if self.is_granted else httpx.Response(404)
        )


def reader(oracles: Sequence[Oracle], place: int, kept: KeptCovenants) -> OracleReader:
    return OracleReader([each.endpoint for each in oracles], DEPLOYMENT, ORACLE_SIGNERS[place], lambda: DAY, kept)


def test_a_covenant_that_is_not_the_facilitys_is_refused_and_not_kept() -> None:
    liar, kept = Oracle(instead=OTHER_COVENANT), KeptCovenants()
    with pytest.raises(EvidenceMissing, match=f"covenant: what the oracle shows is not of facility 0x{FACILITY.hex()}"):
        liar.reader(1, kept).covenant(FACILITY)
    assert Oracle().reader(1, kept).covenant(FACILITY) == COVENANT


def test_the_next_oracle_is_asked_when_the_first_shows_another_covenant() -> None:
    liar, honest = Oracle(0, instead=OTHER_COVENANT), Oracle(1)
    assert reader([liar, honest], 1, KeptCovenants()).covenant(FACILITY) == COVENANT
    assert (liar.asked, honest.asked) == (1, 1)


def test_what_one_account_was_shown_is_not_shown_to_another() -> None:
    oracle, kept = Oracle(), KeptCovenants()
    assert oracle.reader(1, kept).covenant(FACILITY) == COVENANT
    oracle.is_granted = False
    with pytest.raises(EvidenceMissing):
        oracle.reader(2, kept).covenant(FACILITY)


def test_a_refusal_is_not_kept() -> None:
    oracle, kept = Oracle(), KeptCovenants()
    oracle.is_granted = False
    with pytest.raises(EvidenceMissing):
        oracle.reader(1, kept).covenant(FACILITY)
    oracle.is_granted = True
    assert oracle.reader(1, kept).covenant(FACILITY) == COVENANT


def test_a_covenant_is_asked_for_once_by_all_readers_of_an_account() -> None:
    oracle, kept = Oracle(), KeptCovenants()
    assert [oracle.reader(1, kept).covenant(FACILITY) for _ in range(3)] == [COVENANT] * 3
    assert oracle.asked == 1


def test_the_oldest_is_let_go_when_too_many_are_kept() -> None:
    oracle, kept = Oracle(), KeptCovenants(most=1)
    for facility in (FACILITY, OTHER, OTHER, FACILITY):
        oracle.reader(1, kept).covenant(facility)
    assert oracle.asked == 3
