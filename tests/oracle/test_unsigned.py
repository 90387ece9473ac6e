"""An oracle whose signer is often away: it goes on later and loses nothing, and holds nobody up meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from ledger_node.keys import LocalSigner
from ledger_node.remote_signer import RemoteSigner
from ledger_node.signing import SignerError, TypedData
from oracle.agreement import Fault, leader
from oracle.formats.report import Proposal
from oracle.formats.signed import check_receipt, load_receipt, read_checkpoint
from oracle.ingest import Accepted, Arrival
from oracle.run import wait_for_signer
from tests.ledger_node.test_remote_signer import keep_key, local, section, signing
from tests.oracle.consortium_kit import Consortium
from tests.oracle.intake_kit import Oracle, chain_of, open_oracle, serve
from tests.oracle.judgement_kit import CONFIG, DAY, HOUR, MINUTE, ORACLE_KEYS, ORACLE_SIGNERS, schema
from tests.oracle.test_rounds import covenant_of, scale

FIRST = chain_of(1)[0]
COSE = {"content-type": "application/cose"}


class Moody(LocalSigner):
    """A signer that does not sign each time it is asked; before it answers it looks whether it holds anybody up."""

    __slots__ = ("asked", "look", "refuses")

    def __init__(self, private_key: bytes, refuses: Callable[[int], bool]) -> None:
        super().__init__(private_key)
        self.refuses, self.asked = refuses, count()
        self.look: Callable[[], object] = lambda: None

    def sign_typed(self, data: TypedData) -> bytes:
        self._ask()
        return super().sign_typed(data)

    def sign_text(self, text: bytes) -> bytes:
        self._ask()
        return super().sign_text(text)

    def _ask(self) -> None:
        with ThreadPoolExecutor(1) as other:
            other.submit(self.look).result(timeout=30)
        if self.refuses(next(self.asked)):
            raise SignerError("http://127.0.0.1:9000", "does not answer: connect error")


def moody(oracle: Oracle, refuses: Callable[[int], bool]) -> Moody:
    signer = Moody(bytes([1]) * 32, refuses)
    oracle.service._signer = oracle.log._signer = signer
    signer.look = lambda: oracle.database.row("SELECT 1")
    return signer


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    return open_oracle(tmp_path)


def test_a_segment_without_a_receipt_is_kept_and_answered_when_it_is_sent_again(oracle: Oracle) -> None:
    moody(oracle, lambda number: number == 0)
    with serve(oracle) as client:
        answer = client.post("/v1/segments", content=FIRST.raw, headers=COSE)
        assert (answer.status_code, answer.json()["code"]) == (503, "signer_unavailable")
        assert "127.0.0.1:9000" not in answer.text
        assert oracle.log.size() == 1
        again = client.post("/v1/segments", content=FIRST.raw, headers=COSE)
        assert again.status_code == 200
        check_receipt(load_receipt(again.content))
    assert oracle.log.size() == 1


def test_what_a_peer_has_is_taken_while_the_signer_is_away(oracle: Oracle) -> None:
    moody(oracle, lambda number: True)
    (told,) = oracle.service.accept_many([Arrival(FIRST.raw, "peer", oracle.clock.ms)])
    assert isinstance(told, Accepted)
    assert told.fresh


def test_who_asks_for_the_same_checkpoint_again_does_not_ask_the_signer(oracle: Oracle) -> None:
    signer = moody(oracle, lambda number: False)
    notes = [oracle.log.signed_checkpoint() for _ in range(5)]
    assert len(set(notes)) == 1
    assert next(signer.asked) == 1
    oracle.service.accept(FIRST.raw, "https")
    assert read_checkpoint(oracle.log.signed_checkpoint(), oracle.log.origin, oracle.key.address).size == 1


def test_an_oracle_waits_for_its_signer_at_its_start_and_says_why_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = keep_key(tmp_path)
    with signing(folder) as url:
        signer = RemoteSigner(section(url, local(folder).address))
        (folder / "manner").write_text("away")
        pauses = count()

        def pause(seconds: float) -> None:
            if next(pauses) == 2:
                (folder / "manner").unlink()

        wait_for_signer(signer, pause)
        signer.close()
    assert next(pauses) == 3
    assert [each.getMessage() for each in caplog.records if each.name == "oracle"] == [
        f"waiting: signer {url}: does not answer: remote protocol error"
    ]


@pytest.mark.parametrize("refuses", [lambda n: n % 3 == 0, lambda n: n % 3 == 1, lambda n: n < 12])
def test_each_slot_is_anchored_once_however_often_the_signers_are_away(
    tmp_path: Path, refuses: Callable[[int], bool]
) -> None:
    four = Consortium(tmp_path, DAY + HOUR)
    for key, each in zip(ORACLE_KEYS, four.oracles, strict=True):
        each.signer = Moody(key, refuses)
        each.reopen()
        each.signer.look = partial(each.database.row, "SELECT 1")
    four.add_covenant(covenant_of(schema()))
    four.hear(scale(4).stream)
    for _ in range(60):
        four.run(500)
        if len(four.chain.blocks) == 4:
            break
    four.run(500)
    assert sorted(each.slot for each in four.chain.blocks) == [DAY + minute * MINUTE for minute in range(4)]
    assert four.chain.contradictions == 0
    assert not any(oracle.store.open_slots(10) for oracle in four.oracles)


def test_an_oracle_that_cannot_sign_for_a_leader_says_so_and_signs_the_same_later(tmp_path: Path) -> None:
    four = Consortium(tmp_path, DAY + HOUR)
    four.add_covenant(covenant_of(schema()))
    four.hear(scale(1).stream)
    for each in four.oracles:
        each.rounds._report_due(CONFIG)
    own = [each.store.reports(schema().id, DAY)[each.address] for each in four.oracles]
    by = leader(schema(), DAY, 0, 4)
    proposal = Proposal(schema().id, DAY, 0, tuple(own)).signed(CONFIG, ORACLE_SIGNERS[by])
    asked = four.oracles[(by + 1) % 4]
    asked.signer = Moody(ORACLE_KEYS[(by + 1) % 4], lambda number: number == 0)
    asked.reopen()
    first, again = asked.rounds.answer([proposal]), asked.rounds.answer([proposal])
    assert first == [Fault.UNSIGNED]
    assert isinstance(again[0], bytes)
