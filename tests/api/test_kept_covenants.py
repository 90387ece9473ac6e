"""Pages ask oracles for a covenant once, not at each view."""

import httpx
import pytest

from api.records.figures import KeptCovenants, OracleReader
from oracle.formats import covenant as covenants
from oracle.formats import wire
from registry.evidence.gather import EvidenceMissing
from registry.evidence.oracle_port import OracleEndpoint
from tests.oracle.formats.test_covenant import covenant
from tests.oracle.judgement_kit import CONTEXT, DAY, ORACLE_SIGNERS

FACILITY, OTHER = b"f" * 32, b"o" * 32
COVENANT = covenant()


class Oracle:
    """Shows the covenant to whom it may be shown; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.is_granted = 0, True
        self.client = httpx.Client(base_url="https://oracle.example", transport=httpx.MockTransport(self._answer))

    def reader(self, place: int, kept: KeptCovenants) -> OracleReader:
        endpoint = OracleEndpoint(ORACLE_SIGNERS[0].address, self.client)
        return OracleReader([endpoint], CONTEXT, ORACLE_SIGNERS[place], lambda: DAY, kept)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        found = wire.dump(covenants.to_json(COVENANT))
        return httpx.Response(200, content=found) if self.is_granted else httpx.Response(404)


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
