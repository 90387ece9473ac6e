"""Acts: the structs are those of the Solidity interfaces, field by field, and their encoding is the only one."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from eth_abi.abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from registry import structs
from registry.acts import ACTS, ActError, Contract, act_of, decode, encode
from registry.consents import FOR, camel, struct_type

INTERFACES = Path(__file__).parents[2] / "contracts" / "interfaces"
SOURCE = "\n".join(path.read_text() for path in sorted(INTERFACES.glob("*.sol")))
KINDS: list[Any] = sorted({kind for acts in ACTS.values() for _, kind in acts.values()}, key=lambda kind: kind.__name__)
LIBRARIES = {
    Contract.PARTICIPANTS: "EntityActs",
    Contract.DEVICES: "FleetActs",
    Contract.RECEIPTS: "ReceiptActs",
    Contract.CREDIT: "FacilityActs",
    Contract.REVIEWS: "ReviewActs",
    Contract.COVERS: "CoverActs",
}


def solidity_members(name: str) -> list[tuple[str, str]]:
    body = re.search(rf"struct {name} \{{(.*?)\}}", SOURCE, re.DOTALL)
    assert body, name
    return re.findall(r"(\w+) (\w+);", body[1])


def own_members(kind: Any) -> list[tuple[str, str]]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        (hint.__name__ if isinstance(hint, type) else get_args(hint)[1], camel(name)) for name, hint in hints.items()
    ]


def values(kind: Any) -> st.SearchStrategy[Any]:
    def of(hint: Any) -> st.SearchStrategy[Any]:
        if isinstance(hint, type):
            return values(hint)
        solidity = get_args(hint)[1]
        if solidity.startswith("uint"):
            return st.integers(0, (1 << int(solidity[4:])) - 1)
        size = 20 if solidity == "address" else 32
        return st.binary(min_size=size, max_size=size)

    hints = get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: of(hint) for name, hint in hints.items()})


def flat(struct: Any) -> tuple[list[str], list[Any]]:
    types: list[str] = []
    found: list[Any] = []
    hints = get_type_hints(type(struct), include_extras=True)
    for each in fields(struct):
        value = getattr(struct, each.name)
        if isinstance(hints[each.name], type):
            more_types, more = flat(value)
            types += more_types
            found += more
        else:
            types.append(get_args(hints[each.name])[1])
            found.append("0x" + value.hex() if types[-1] == "address" else value)
    return types, found


def test_an_unknown_act_is_refused() -> None:
    with pytest.raises(ActError, match="ReceiptRegistry: act 9 is unknown"):
        act_of(Contract.RECEIPTS, 9, b"")


def test_a_contract_without_records_has_no_acts() -> None:
    with pytest.raises(ActError, match="GoodsIndex: act 1"):
        act_of(Contract.GOODS, 1, b"")


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_another_length_is_refused(kind: Any) -> None:
    size = 32 * len(flat_types(kind))
    for length in (0, size - 1, size + 1, size + 32):
        with pytest.raises(ActError, match=f"{kind.__name__}: must be {size} bytes"):
            decode(kind, bytes(length))


def flat_types(kind: Any) -> list[str]:
    types: list[str] = []
    for hint in get_type_hints(kind, include_extras=True).values():
        types += flat_types(hint) if isinstance(hint, type) else [get_args(hint)[1]]
    return types


@pytest.mark.parametrize("kind", KINDS)
def test_a_bit_outside_a_fields_type_is_refused_by_field(kind: Any) -> None:
    for at, solidity in enumerate(flat_types(kind)):
        if solidity in ("bytes32", "uint256"):
            continue
        data = bytearray(32 * len(flat_types(kind)))
        data[32 * at] = 0x80
        with pytest.raises(ActError, match=f"does not fit {solidity}"):
            decode(kind, bytes(data))


def test_a_value_outside_its_type_is_not_encoded() -> None:
    with pytest.raises(ActError, match="group: does not fit uint32"):
        encode(structs.GroupChange(1 << 32))


@pytest.mark.parametrize("kind", [*KINDS, structs.Decision, structs.Inspection])
def test_a_struct_has_the_fields_of_its_interface(kind: Any) -> None:
    assert own_members(kind) == solidity_members(kind.__name__)


@pytest.mark.parametrize("contract", LIBRARIES)
def test_acts_have_the_numbers_and_structs_of_their_interface(contract: Contract) -> None:
    body = re.search(rf"library {LIBRARIES[contract]} \{{(.*?)\n\}}", SOURCE, re.DOTALL)
    assert body
    stated = re.findall(r"constant (\w+) = (\d+); // (\w+)", body[1])
    assert {number: (name, kind.__name__) for number, (name, kind) in ACTS[contract].items()} == {
        int(number): (name, kind) for name, number, kind in stated
    }


@pytest.mark.parametrize("kind", FOR)
def test_what_is_signed_has_the_type_of_the_contracts(kind: Any) -> None:
    members = ",".join(f"{each.type} {each.name}" for each in struct_type(kind).fields)
    consents = (INTERFACES.parent / "libraries" / "Consents.sol").read_text()
    assert f'"{kind.__name__}({members})"' in consents


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_encoding_is_that_of_the_abi_and_reads_back(kind: Any, data: st.DataObject) -> None:
    struct = data.draw(values(kind))
    types, found = flat(struct)
    assert encode(struct) == abi_encode(types, found)
    assert decode(kind, encode(struct)) == struct
