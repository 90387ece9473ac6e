"""The typed structs of docs/formats/ledger.md and those that the contracts hash are the same, letter by letter."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TYPE = re.compile(r"[A-Z]\w+\((?:[a-z0-9]+ \w+,)+[a-z0-9]+ \w+\)")


def consents_in_the_document() -> set[str]:
    text = (ROOT / "docs/formats/ledger.md").read_text("utf-8")
    section = text[text.index("## Consents") : text.index("## Trees")]
    return set(TYPE.findall(section))


def hashed_by_the_contracts() -> set[str]:
    return set(TYPE.findall((ROOT / "contracts/libraries/Consents.sol").read_text("utf-8")))


def test_the_document_and_the_contracts_agree_on_every_consent() -> None:
    assert len(consents_in_the_document()) == 13
    assert hashed_by_the_contracts() == consents_in_the_document()


def test_each_hashed_type_has_the_members_of_its_struct_in_order() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "contracts/interfaces").glob("*.sol"))
    for written in hashed_by_the_contracts():
        name, members = written[:-1].split("(")
        body = re.search(rf"^struct {name} \{{\n(.*?)^\}}", sources, re.MULTILINE | re.DOTALL)
        assert body, name
        declared = [line.strip().rstrip(";") for line in body[1].splitlines()]
        assert ",".join(declared) == members
