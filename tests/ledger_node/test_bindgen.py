"""The generated bindings: what they say, and that the committed ones are those of the committed artifacts."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger_node import artifacts, bindgen

ROOT = Path(__file__).parents[2]
EVENT: dict[str, Any] = {
    "type": "event",
    "name": "Moved",
    "anonymous": False,
    "inputs": [
        {"name": "from", "type": "address", "indexed": True},
        {"name": "", "type": "uint64[]", "indexed": False},
    ],
}
ERROR: dict[str, Any] = {
    "type": "error",
    "name": "Refused",
    "inputs": [{"name": "part", "type": "tuple", "components": [{"name": "size", "type": "uint8"}]}],
}
TYPES: dict[str, Any] = {
    "structs": {
        "Box": [{"name": "idHash", "type": "bytes32"}, {"name": "parts", "type": "Part[]"}],
        "Part": [{"name": "class", "type": "uint8"}],
    },
    "constants": {"BoxActs": {"SHUT": 2, "OPEN": 1}},
    "acts": {"Box": {"library": "BoxActs", "acts": {"1": {"name": "OPEN", "struct": "Box"}}}},
}


@pytest.mark.parametrize(
    ("solidity", "python"),
    [
        ("idHash", "id_hash"),
        ("dueMs", "due_ms"),
        ("from", "from_"),
        ("URIOf", "uri_of"),
        ("issue_", "issue"),
        ("word", "word"),
    ],
)
def test_names_become_snake_case(solidity: str, python: str) -> None:
    assert bindgen.snake(solidity) == python


def test_events_of_one_name_and_two_shapes_are_told_apart() -> None:
    other = {**EVENT, "inputs": [{**EVENT["inputs"][0], "indexed": False}, EVENT["inputs"][1]]}
    text = bindgen.generate({"A": [EVENT], "B": [other, EVENT]}, TYPES)["events.py"]
    assert text.count("class Moved(Event, frozen=True):") == 1
    assert text.count("class Moved2(Event, frozen=True):") == 1


def test_the_same_artifacts_give_the_same_text_in_any_order() -> None:
    one = bindgen.generate({"A": [EVENT, ERROR], "B": [ERROR]}, TYPES)
    assert one == bindgen.generate({"B": [ERROR], "A": [ERROR, EVENT]}, TYPES)


def test_generated_modules_are_python_that_says_what_the_contracts_say() -> None:
    modules = bindgen.generate({"Box": [EVENT, ERROR]}, TYPES)
    space: dict[str, Any] = {"__name__": "ledger_node.bindings.structs"}
    for name in ("constants.py", "structs.py", "events.py", "errors.py"):
        exec(compile(modules[name], name, "exec"), space)
    assert [(each.name, each.value) for each in space["BoxActs"]] == [("OPEN", 1), ("SHUT", 2)]
    assert space["Box"].ABI == "(bytes32,(uint8)[])"
    box = space["Box"](id_hash=bytes(32), parts=(space["Part"](class_=3),))
    assert space["Box"].decode(box.encode()) == box
    assert box.message() == {"idHash": bytes(32), "parts": [{"class": 3}]}
    [(key, event)] = space["EVENTS"].items()
    assert event.INPUTS == (("from_", "address", True), ("value1", "uint64[]", False))
    assert key == (event.TOPIC, 2)
    assert list(space["ERRORS"].values()) == [("Refused", (("part", "(uint8)"),))]


def test_the_committed_bindings_are_those_of_the_committed_artifacts() -> None:
    abis = {name: artifacts.artifact(name).abi for name in artifacts.names()}
    for name, text in bindgen.generate(abis, artifacts.types()).items():
        assert (ROOT / "ledger_node" / "bindings" / name).read_text("utf-8") == text, (
            f"{name}: run cangdan contracts build"
        )


def test_stale_modules_are_removed(tmp_path: Path) -> None:
    bindgen.write(tmp_path / "bindings", {"old.py": ""})
    bindgen.write(tmp_path / "bindings", {"new.py": json.dumps({})})
    assert [path.name for path in (tmp_path / "bindings").iterdir()] == ["new.py"]
