"""The disk that loses its power keeps what it must, and can lose all that it may."""

import random
from pathlib import Path

import pytest

from tests.power_cut.disk import Disk, Event, Image, Kind, Mode, UnknownOperation
from tests.power_cut.kit import Life, live

CAREFUL = ("tests.power_cut.careful",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def life(shim: str, folder: Path) -> Life:
    return live(shim, folder, CAREFUL)


def content(folder: Path) -> Image:
    return {str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None for each in folder.rglob("*")}


def written(folder: Path, size: int) -> Disk:
    """A disk with an empty file, synced, and one write to it."""
    (folder / "file").touch()
    disk = Disk(folder)
    disk.apply(Event(Kind.WRITE, (folder / "file").stat().st_ino, 100, bytes([1]) * size))
    return disk


def test_a_mapping_that_could_be_written_unseen_is_refused(shim: str, folder: Path) -> None:
    life = live(shim, folder, (*CAREFUL, "mapped"))
    with pytest.raises(UnknownOperation, match="shared mapping"):
        life.go(len(life.events))


def test_what_was_written_down_done_again_is_the_folder(life: Life, folder: Path) -> None:
    life.go(len(life.events))
    assert life.disk.whole() == content(folder)


def test_only_what_was_synced_is_there_when_nothing_else_is(life: Life) -> None:
    life.go(next(place for place, event in enumerate(life.events) if event.kind is Kind.TOLD))
    left = life.disk.cut(random.Random(1), Mode.NONE)
    assert left == {"inner": None, "inner/synced": b"s" * 2000, "inner/lazy": b"", "inner/gone": b"g"}


def test_names_since_the_last_sync_of_their_folder_can_be_lost(life: Life) -> None:
    life.go(len(life.events))
    left = life.disk.cut(random.Random(1), Mode.NONE)
    assert {"inner/synced", "inner/gone"} < left.keys()
    assert not {"inner/renamed", "inner/nameless", "inner/linked"} & left.keys()


def test_a_killed_process_has_done_as_many_operations_as_it_was_given(shim: str, folder: Path, life: Life) -> None:
    again = folder.with_name("again")
    again.mkdir()
    assert len(live(shim, again, CAREFUL, 9).events) == 9 < len(life.events)


def test_what_was_told_is_heard_from_the_moment_it_was_said(life: Life) -> None:
    said = next(place for place, event in enumerate(life.events) if event.kind is Kind.TOLD)
    assert life.go(said) == []
    assert life.go(said + 1) == ["so far"]


def test_a_torn_write_keeps_any_of_its_sectors(folder: Path) -> None:
    disk = written(folder, 1500)
    left = {disk.cut(random.Random(seed), Mode.TORN)["file"] for seed in range(40)}
    sectors = [slice(0, 512), slice(512, 1024), slice(1024, 1536)]
    whole = bytes(100) + bytes([1]) * 1500
    assert len(left) > 8
    assert all(
        each[part] in (whole[part][: len(each[part])], bytes(len(each[part]))) for each in left for part in sectors
    )


def test_every_way_to_lose_a_write_comes_up(folder: Path) -> None:
    disk = written(folder, 10)
    assert {disk.cut(random.Random(1), mode)["file"] for mode in (Mode.NONE, Mode.ALL)} == {
        b"",
        bytes(100) + bytes([1]) * 10,
    }
    for mode in (Mode.FIRST, Mode.SOME):
        assert len({disk.cut(random.Random(seed), mode)["file"] for seed in range(20)}) == 2
