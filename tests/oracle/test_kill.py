"""kill -9 in the midst of taking segments: what has a receipt is in the log, once, where the receipt says."""

import random
import subprocess
import sys
from pathlib import Path

from oracle.formats.segment import Reading
from oracle.formats.signed import SegmentReceipt, check_receipt, load_receipt
from tests.log_proofs import tree_head
from tests.oracle.intake_kit import DEVICE, T0, SetClock, following, open_oracle, signed

ROOT = Path(__file__).parents[2]
LENGTH, KILLS = 240, 5


def segments() -> list[bytes]:
    chain = [signed(readings=(Reading(0, 1, 1),))]
    while len(chain) < LENGTH:
        chain.append(following(chain[-1], t0_ms=T0 + len(chain), readings=(Reading(0, 1, len(chain)),)))
    return [each.raw for each in chain]


def run_until(folder: Path, receipts: int) -> list[SegmentReceipt]:
    """The receipts that a process told before it was killed, which is after that many, or all of them."""
    command = [sys.executable, "-m", "tests.oracle.intake_process", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        told: list[SegmentReceipt] = []
        for line in process.stdout:
            told.append(load_receipt(line.encode()))
            if len(told) == receipts:
                process.kill()
                break
        told += [load_receipt(line.encode()) for line in process.stdout if line.endswith("\n")]
    return told


def test_nothing_with_a_receipt_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    raws = segments()
    (tmp_path / "segments.txt").write_text("\n".join(each.hex() for each in raws))
    chance = random.Random(5)
    promised: dict[int, SegmentReceipt] = {}
    for kill in range(KILLS):
        # Each process starts from the first segment: replays get their old receipts, then the log goes on.
        for receipt in run_until(tmp_path, LENGTH if kill == KILLS - 1 else chance.randrange(10, 50) * (kill + 1)):
            assert promised.setdefault(receipt.seq, receipt) == receipt
    oracle = open_oracle(tmp_path, clock=SetClock(T0 + 3_000_000))
    entries = oracle.log.entries(0, LENGTH + 1)
    assert [each.raw for each in entries] == raws
    assert len(promised) == LENGTH
    for receipt in promised.values():
        check_receipt(receipt)
        position = entries[receipt.log_index].position
        assert (position.device, position.seq, position.digest) == (DEVICE, receipt.seq, receipt.segment_digest)
    assert oracle.log.root(LENGTH) == tree_head([each.leaf for each in entries])
    cursor = oracle.log.cursor(DEVICE)
    assert cursor is not None
    assert cursor.seq == LENGTH
