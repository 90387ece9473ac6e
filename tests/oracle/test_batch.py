"""Segments that arrive together: each sender gets its own answer, and no fault of one batch stays."""

import asyncio
from pathlib import Path

import pytest

from oracle import batch
from oracle.batch import Batcher, Overloaded
from oracle.ingest import Accepted, Outcome
from oracle.ports import ChainUnavailable
from oracle.refusals import Refusal
from tests.oracle.intake_kit import T0, Oracle, SetClock, chain_of, open_oracle


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    return open_oracle(tmp_path, clock=SetClock(T0 + 600_000))


def send(oracle: Oracle, raws: list[bytes]) -> list[Outcome | BaseException]:
    async def together() -> list[Outcome | BaseException]:
        batcher = Batcher(oracle.service)
        return await asyncio.gather(*(batcher.accept(raw, "test") for raw in raws), return_exceptions=True)

    return asyncio.run(together())


def test_when_too_much_waits_the_sender_is_told_and_nothing_is_done(
    oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAX_WAITING", 2)
    told = send(oracle, [each.raw for each in chain_of(3)])
    assert [type(each) for each in told] == [Accepted, Accepted, Overloaded]
    assert oracle.log.size() == 2


def test_a_batch_that_cannot_be_decided_fails_for_all_its_senders_and_the_next_goes_on(oracle: Oracle) -> None:
    raws = [each.raw for each in chain_of(3)]
    oracle.chain.down = True
    assert [type(each) for each in send(oracle, raws)] == [ChainUnavailable] * 3
    oracle.chain.down = False
    assert [type(each) for each in send(oracle, raws)] == [Accepted] * 3


def test_what_arrives_together_is_answered_one_by_one_in_order(oracle: Oracle) -> None:
    segments = chain_of(3)
    told = send(oracle, [segments[0].raw, b"junk", segments[1].raw, segments[2].raw])
    receipts = [each.receipt for each in told if isinstance(each, Accepted)]
    assert [each.segment_digest for each in receipts] == [each.digest for each in segments]
    assert isinstance(told[1], Refusal)
