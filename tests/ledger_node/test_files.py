"""Files that are there whole or not at all. What of them a power cut leaves is in tests/power_cut."""

import os
import stat
from pathlib import Path

import pytest

from ledger_node.files import (
    load_or_make_secret,
    make_folder,
    replace_atomically,
    replace_private,
    replace_unsynced,
    write_new_folder,
    write_new_private,
)

WRITERS = (write_new_private, replace_private, replace_atomically, replace_unsynced)
REPLACERS = (replace_private, replace_atomically, replace_unsynced)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_is_never_replaced(tmp_path: Path) -> None:
    write_new_private(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        write_new_private(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("write", WRITERS)
def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path, write) -> None:
    (tmp_path / "taken" / "by a folder").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        write(tmp_path / "taken", b"data")
    assert os.listdir(tmp_path) == ["taken"]


@pytest.mark.parametrize("taken", ["file", "folder/kept"])
def test_a_folder_is_written_over_nothing_but_an_empty_one(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_bytes(b"kept")
    with pytest.raises(OSError, match="Not a directory|Directory not empty"):
        write_new_folder(tmp_path / taken.split("/")[0], {"a": b"1", "b/c": b"2"})
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [tmp_path / taken]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="a"):
        write_new_folder(tmp_path / "folder", {"a": b"1", "a/b": b"2"})
    assert os.listdir(tmp_path) == []


def test_a_folder_comes_with_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "new" / "folder", tmp_path / "empty"):
        write_new_folder(path, {"a": b"1", "b/c": b"2"})
        assert (path / "a").read_bytes() == b"1"
        assert (path / "b" / "c").read_bytes() == b"2"


def test_a_secret_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(ValueError, match="secret: must hold 32 bytes"):
        load_or_make_secret(tmp_path / "secret")


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    made = load_or_make_secret(tmp_path / "secret")
    assert len(made) == 32
    assert load_or_make_secret(tmp_path / "secret") == made


@pytest.mark.parametrize("write", REPLACERS)
def test_an_older_file_is_replaced(tmp_path: Path, write) -> None:
    write(tmp_path / "file", b"older and longer")
    write(tmp_path / "file", b"newer")
    assert (tmp_path / "file").read_bytes() == b"newer"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("write", [write_new_private, replace_private])
def test_private_is_for_the_owner_alone(tmp_path: Path, write) -> None:
    write(tmp_path / "file", b"data")
    assert mode(tmp_path / "file") == 0o600


def test_a_private_file_stays_private_over_one_that_was_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"open")
    replace_private(tmp_path / "file", b"private")
    assert mode(tmp_path / "file") == 0o600


def test_the_folder_alone_has_the_mode_given(tmp_path: Path) -> None:
    make_folder(tmp_path / "above" / "below", 0o700)
    make_folder(tmp_path / "above" / "below", 0o700)
    assert mode(tmp_path / "above" / "below") == 0o700
    assert mode(tmp_path / "above") & 0o055
