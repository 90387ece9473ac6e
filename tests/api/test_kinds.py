"""The typed data of consents is, letter by letter, what docs/formats/ledger.md says."""

import re
from pathlib import Path

import pytest

from api.acts.kinds import STRUCTS
from ledger_node.eip712 import encode_type
from registry.consents import FOR, struct_type

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "ledger.md"
ROWS = re.findall(r"^\| `(\w+\([^`]*\))` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("struct", STRUCTS.values(), ids=[act.value for act in STRUCTS])
def test_each_consent_has_the_documented_type_and_contract(struct):
    assert (encode_type(struct_type(struct)), FOR[struct].value) in ROWS


def test_every_documented_consent_of_members_is_an_act():
    assert {name.split("(")[0] for name, _ in ROWS} - {"Round"} == {struct.__name__ for struct in STRUCTS.values()}
