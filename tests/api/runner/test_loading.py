"""Packs in a running stack: how far their loading is, and what a further attempt plays."""

import json
import os
from pathlib import Path

import pytest

from api.runner.kept import (
    LOADING_FILE,
    OUTCOME_FILE,
    LoadState,
    attempts_of,
    due,
    evidence_of,
    failed_steps,
    lock_of_loader,
    state_of,
)
from api.runner.loading import AlreadyLoading, goods_of_attempt, load_pack, loader
from api.runner.pack import PackError, load
from api.runner.run import find
from api.supervisor import lockfile
from registry.goods import UnitKind, position_string, unit_string


def mark(home: Path, name: str, text: str) -> None:
    folder = evidence_of(home, "e-fence")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_two_commands_do_not_load_at_once(tmp_path: Path) -> None:
    with loader(tmp_path):
        assert lockfile.holder(lock_of_loader(tmp_path)) == os.getpid()
        with pytest.raises(AlreadyLoading), loader(tmp_path):
            pass
    assert not lockfile.held(lock_of_loader(tmp_path))


def test_a_pack_that_does_not_exist_leaves_no_mark(tmp_path: Path) -> None:
    with pytest.raises(PackError):
        load_pack(tmp_path, "no-such-pack")
    assert not (tmp_path / "evidence").exists()


def test_an_interrupted_pack_is_known_and_its_attempts_are_counted(tmp_path: Path) -> None:
    assert (state_of(tmp_path, "e-fence"), attempts_of(tmp_path, "e-fence")) == (LoadState.ABSENT, 0)
    mark(tmp_path, LOADING_FILE, "2\n")
    assert (state_of(tmp_path, "e-fence"), attempts_of(tmp_path, "e-fence")) == (LoadState.INTERRUPTED, 2)


def test_an_interrupted_pack_is_not_played_again_unless_that_is_asked_for(tmp_path: Path) -> None:
    assert due(tmp_path, again=False) == ["e-fence", "pv-plant"]
    mark(tmp_path, LOADING_FILE, "1\n")
    assert due(tmp_path, again=False) == ["pv-plant"]
    assert due(tmp_path, again=True) == ["e-fence", "pv-plant"]
    mark(tmp_path, OUTCOME_FILE, json.dumps({"steps": []}))
    assert due(tmp_path, again=True) == ["pv-plant"]


def test_a_loaded_pack_is_known_with_its_failed_steps(tmp_path: Path) -> None:
    steps = [{"name": "issue", "ok": True}, {"name": "pledge", "ok": False}]
    mark(tmp_path, OUTCOME_FILE, json.dumps({"steps": steps}))
    assert state_of(tmp_path, "e-fence") == LoadState.LOADED
    assert failed_steps(tmp_path, "e-fence") == ["pledge"]


def test_the_first_attempt_plays_the_pack_as_it_is() -> None:
    pack = load(find("e-fence"))
    assert goods_of_attempt(pack, 1) is pack


def test_further_attempts_have_goods_and_places_of_their_own() -> None:
    pack = load(find("e-fence"))
    seen: list[str] = []
    for attempt in (1, 2, 3):
        for receipt in goods_of_attempt(pack, attempt).receipts.values():
            place = receipt.content["storagePlace"]
            seen += [unit_string(UnitKind(unit.kind), unit.label) for unit in receipt.units]
            seen.append(position_string("91330200MA2CJ0KX4T", list(place.values())))
    assert len(set(seen)) == len(seen) == 3 * (5 + 2)
