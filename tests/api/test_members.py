"""The members file: what it refuses, by field and rule."""

import json
from pathlib import Path

import pytest

from api.acts.kinds import Act
from api.members import FORMAT, MembersError, load


def written(folder: Path, **fields: object) -> Path:
    path = folder / "members.json"
    path.write_text(json.dumps({"format": FORMAT, **fields}))
    return path


def test_an_act_that_two_should_sign_and_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(MembersError, match="fourEyes.1"):
        load(written(tmp_path, fourEyes=["release", "drawdonw"]))


def test_two_entries_of_one_entity_are_refused(tmp_path: Path):
    member = {"entity": 1, "kind": "bank", "name": "A", "nameZh": "甲"}
    with pytest.raises(MembersError, match="have one entity"):
        load(written(tmp_path, members=[member, member]))


def test_whom_acts_need_two_is_read(tmp_path: Path):
    assert load(written(tmp_path, fourEyes=["drawdown"])).file.four_eyes == (Act.DRAWDOWN,)
