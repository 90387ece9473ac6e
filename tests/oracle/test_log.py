"""The log: its proofs against the shared Merkle code, its bodies under encryption, its checkpoints."""

from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from ledger_node.hashing import sha256
from ledger_node.keys import LocalSigner
from ledger_node.merkle import verify_inclusion
from oracle.database import Database, DatabaseError
from oracle.formats.signed import NoteRefused, log_origin, read_checkpoint
from oracle.keys import body_key
from oracle.log import Log
from tests.log_proofs import tree_head, verify_consistency
from tests.oracle.intake_kit import CONTEXT, DEVICE, T0, Oracle, chain_of, open_oracle, signed


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    return open_oracle(tmp_path)


def fill(oracle: Oracle, length: int) -> None:
    for number, segment in enumerate(chain_of(length)):
        oracle.log.append(segment, T0 + number, "test")


def test_a_file_of_another_log_is_not_opened(tmp_path: Path) -> None:
    Database(tmp_path / "log.sqlite", "one").close()
    with pytest.raises(DatabaseError, match="not other"):
        Database(tmp_path / "log.sqlite", "other")


def test_what_lies_outside_the_log_is_refused(oracle: Oracle) -> None:
    fill(oracle, 2)
    with pytest.raises(ValueError, match="not within the log of 2"):
        oracle.log.root(3)
    with pytest.raises(ValueError, match="not within a tree"):
        oracle.log.inclusion(2, 2)
    with pytest.raises(LookupError):
        oracle.log.entry(2)


def test_a_failed_transaction_leaves_no_trace(oracle: Oracle) -> None:
    with suppress(InterruptedError), oracle.database.transaction():
        fill(oracle, 3)
        raise InterruptedError
    assert oracle.log.size() == 0
    assert oracle.log.cursor(DEVICE) is None
    fill(oracle, 3)
    assert oracle.log.size() == 3


def test_a_body_does_not_open_in_another_place_or_with_another_key(oracle: Oracle) -> None:
    fill(oracle, 2)
    oracle.database.rows("UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE place = 1) WHERE place = 0")
    with pytest.raises(InvalidTag):
        oracle.log.entry(0)
    other = Log(oracle.database, oracle.log.origin, oracle.key, bytes(32))
    with pytest.raises(InvalidTag):
        other.entry(1)


def test_no_body_stands_in_the_file_in_clear(oracle: Oracle, tmp_path: Path) -> None:
    segment = signed()
    oracle.log.append(segment, T0, "test")
    written = b"".join(path.read_bytes() for path in tmp_path.glob("oracle1.sqlite*"))
    assert segment.payload not in written
    assert segment.signature not in written


def test_a_body_key_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.key").write_bytes(b"k" * 31)
    with pytest.raises(ValueError, match="must hold 32 bytes"):
        body_key(tmp_path / "short.key")


def test_a_body_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    assert body_key(tmp_path / "new.key") == body_key(tmp_path / "new.key")
    assert (tmp_path / "new.key").stat().st_mode & 0o777 == 0o600


def test_every_root_and_proof_agrees_with_the_leaves(oracle: Oracle) -> None:
    fill(oracle, 21)
    leaves = oracle.log.leaves(0, 100)
    assert leaves == [entry.leaf for entry in oracle.log.entries(0, 100)]
    roots = [oracle.log.root(size) for size in range(22)]
    assert roots == [tree_head(leaves[:size]) for size in range(22)]
    for size in range(1, 22):
        for place in range(size):
            assert verify_inclusion(leaves[place], place, size, oracle.log.inclusion(place, size), roots[size], sha256)
        for old in range(1, size + 1):
            proof = oracle.log.consistency(old, size)
            assert verify_consistency(old, size, proof, roots[old], roots[size], sha256)


def test_entries_come_back_as_they_were_logged(oracle: Oracle) -> None:
    segments = chain_of(5)
    fill(oracle, 5)
    assert [entry.segment for entry in oracle.log.entries(0, 9)] == segments
    assert [entry.position.seq for entry in oracle.log.entries(3, 9)] == [4, 5]
    assert oracle.log.find(segments[2].digest) == oracle.log.at(DEVICE, 3) == oracle.log.entry(2).position
    assert [entry.position.seq for entry in oracle.log.next_after(DEVICE, 2, 2)] == [3, 4]


def test_a_stream_is_the_segments_that_touch_a_time_range(oracle: Oracle) -> None:
    fill(oracle, 5)
    minutes = 60_000
    found = oracle.log.stream(DEVICE, T0 + 3 * minutes, T0 + 9 * minutes)
    assert [entry.position.seq for entry in found] == [2, 3]
    assert oracle.log.stream(DEVICE, T0 + 10_000 * minutes, T0 + 20_000 * minutes) == []


def test_a_reopened_log_goes_on_where_it_was(oracle: Oracle, tmp_path: Path) -> None:
    fill(oracle, 3)
    before = oracle.log.checkpoint()
    oracle.database.close()
    again = open_oracle(tmp_path)
    assert again.log.checkpoint() == before
    assert again.log.cursor(DEVICE) is not None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note.replace("\n3\n", "\n4\n"),
        lambda note: note.replace("\n3\n", "\n03\n"),
        lambda note: note + "\n",
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("clr-log", "clr-lag"),
        lambda note: note[:-8] + "AAAA" + note[-4:],
        lambda note: "",
    ],
)
def test_a_changed_checkpoint_is_refused(oracle: Oracle, spoil: object) -> None:
    fill(oracle, 3)
    with pytest.raises(NoteRefused):
        read_checkpoint(spoil(oracle.log.signed_checkpoint()), oracle.log.origin, oracle.key.address)  # type: ignore[operator]


def test_a_checkpoint_of_another_oracle_is_refused(oracle: Oracle) -> None:
    other = LocalSigner(b"\x09" * 32)
    log = Log(oracle.database, oracle.log.origin, other, bytes(32))
    with pytest.raises(NoteRefused, match="key hash"):
        read_checkpoint(log.signed_checkpoint(), oracle.log.origin, oracle.key.address)


def test_a_checkpoint_says_size_and_root(oracle: Oracle) -> None:
    fill(oracle, 3)
    note = oracle.log.signed_checkpoint()
    assert read_checkpoint(note, log_origin(CONTEXT, oracle.key.address), oracle.key.address) == oracle.log.checkpoint()
    assert oracle.log.checkpoint(2).root == oracle.log.root(2)
