"""Scenario packs are refused with the place and the rule, and the shipped ones are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from api.runner.pack import Pack, PackError, load

SCENARIOS = Path(__file__).parents[3] / "api" / "scenarios"
PACKS = sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def changed(tmp_path: Path, edit: Any, name: str = "pv-plant") -> Path:
    data = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text())
    edit(data)
    path = tmp_path / "pack.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True))
    return path


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.update(surprise=1), "surprise: Extra inputs"),
        (lambda d: d["profiles"]["inverter"].update(volts=1), "profiles.inverter.volts"),
        (lambda d: d.pop("expect"), "expect: Field required"),
        (lambda d: d.update(expect={}), "without expectations shows nothing"),
        (lambda d: d["devices"]["inverter"].update(owner="nobody"), "devices.inverter.owner names 'nobody'"),
        (lambda d: d["devices"]["inverter"].update(profile="none"), "not among profiles"),
        (lambda d: d["steps"].append({"do": "play", "needs": ["hail"]}), "'hail', which is not among episodes"),
        (lambda d: d["steps"].append({"do": "pledge"}), "steps.4.pledge.receipt: Field required"),
        (lambda d: d["steps"].append({"do": "steal"}), "steps.4: Input tag 'steal'"),
        (lambda d: d["facilities"]["loan"]["rules"][0]["when"][0].update(value="about 8"), "value"),
        (lambda d: d["schemas"]["daily"].update(period="1 day"), "not an ISO 8601 duration"),
        (lambda d: d["facilities"]["loan"]["instalments"][0].update(due="2011-01-31T00:00:00"), "no offset from UTC"),
        (lambda d: d["devices"]["inverter"]["stream"]["recorded"].update(file="../secret.csv"), "file"),
        (lambda d: d["devices"]["inverter"]["stream"].update(simulated={"every": "PT1M", "until": "PT1H"}), "either"),
        (lambda d: d.update(format="cangdan/pack/2"), "format"),
        (lambda d: d["facilities"]["loan"]["rules"][0].update(cover="none"), "'none', which is not among covers"),
        (lambda d: d["facilities"]["loan"]["rules"][0].pop("cover"), "exactly when its action is open_claim"),
        (lambda d: d["facilities"]["loan"]["rules"][1].update(cover="breakdown"), "exactly when its action"),
        (lambda d: d["facilities"].update(other=d["facilities"]["loan"]), "names a cover of another facility"),
    ],
)
def test_a_pack_that_breaks_the_grammar_is_refused_by_place(tmp_path: Path, edit: Any, words: str) -> None:
    with pytest.raises(PackError) as refusal:
        load(changed(tmp_path, edit))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("format: cangdan/pack/1\nname: a\nname: b\n")
    with pytest.raises(PackError, match="given twice"):
        load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_a_yaml_object_tag_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tag.yaml"
    path.write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(PackError, match="not YAML"):
        load(path)


@pytest.mark.parametrize("name", PACKS)
def test_each_shipped_pack_is_whole(name: str) -> None:
    assert load(SCENARIOS / f"{name}.yaml").name == name


@pytest.mark.parametrize("name", PACKS)
def test_the_published_schema_takes_each_shipped_pack_and_no_unknown_key(name: str) -> None:
    published = Draft202012Validator(Pack.model_json_schema())
    data = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text())
    assert not list(published.iter_errors(data))
    assert list(published.iter_errors({**data, "surprise": 1}))
