"""The oracle's log: a device that has a receipt may forget its segment, for the log has it."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from oracle.database import DatabaseError
from oracle.formats.segment import Reading, SignedSegment
from oracle.formats.signed import SegmentReceipt, load_receipt
from tests.log_proofs import tree_head
from tests.oracle.intake_kit import DEVICE, T0, Oracle, SetClock, following, open_oracle, signed
from tests.power_cut.kit import SEEDS, check_component, check_unsynced, corrupt

LENGTH = 120


def segments() -> list[SignedSegment]:
    chain = [signed(readings=(Reading(0, 1, 1),))]
    while len(chain) < LENGTH:
        chain.append(following(chain[-1], t0_ms=T0 + len(chain), readings=(Reading(0, 1, len(chain)),)))
    return chain


RAWS = [each.raw for each in segments()]


class OracleLog:
    """Takes all segments in order, four a transaction, and tells each receipt."""

    command = ("tests.oracle.intake_process",)

    def broken(self, folder: Path, told: Sequence[str]) -> list[str]:
        receipts = [load_receipt(line.encode()) for line in told if line != "ready"]
        try:
            oracle = opened(folder)
            found = [f"segment {each.seq}" for each in receipts if not kept(oracle, each)]
            entries = oracle.log.entries(0, LENGTH + 1)
            if oracle.log.root(len(entries)) != tree_head([each.leaf for each in entries]):
                found.append("the log's tree")
            cursor = oracle.log.cursor(DEVICE)
            if (0 if cursor is None else cursor.seq) != len(entries):
                found.append("the device's place in its sequence")
            oracle.database.close()
        except (sqlite3.Error, DatabaseError, ValueError, LookupError, InvalidTag) as error:
            return [f"{type(error).__name__}: {error}"]
        return found + corrupt(folder / "oracle1.sqlite")

    def digest(self, folder: Path) -> object:
        oracle = opened(folder)
        entries = oracle.log.entries(0, LENGTH + 1)
        oracle.database.close()
        return [(each.position.place, each.position.seq, each.raw) for each in entries]


def opened(folder: Path) -> Oracle:
    return open_oracle(folder, clock=SetClock(T0 + 3_000_000))


def kept(oracle: Oracle, receipt: SegmentReceipt) -> bool:
    position = oracle.log.at(DEVICE, receipt.seq)
    return (
        position is not None
        and (position.place, position.digest) == (receipt.log_index, receipt.segment_digest)
        and oracle.log.entry(position.place).raw == RAWS[receipt.seq - 1]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "oracle"
    made.mkdir()
    (made / "segments.txt").write_text("\n".join(raw.hex() for raw in RAWS))
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_what_has_a_receipt_is_in_the_log_after_any_cut(shim: str, folder: Path, tmp_path: Path, seed: int) -> None:
    check_component(OracleLog(), shim, folder, tmp_path, seed)
    assert len(opened(folder).log.entries(0, LENGTH + 1)) == LENGTH


def test_without_syncing_a_receipt_is_worth_nothing(shim: str, folder: Path, tmp_path: Path) -> None:
    check_unsynced(OracleLog(), shim, folder, tmp_path)
