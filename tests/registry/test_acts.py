"""Acts: data has one encoding, and what is signed has the type that the contracts check."""

from pathlib import Path
from typing import Any

import pytest

from ledger_node.bindings.acts import ACTS
from registry import structs
from registry.acts import ActError, Contract, act_of
from registry.consents import FOR, struct_type

CONSENTS = (Path(__file__).parents[2] / "contracts" / "libraries" / "Consents.sol").read_text()


def test_an_unknown_act_is_refused() -> None:
    with pytest.raises(ActError, match="ReceiptRegistry: .*act 9"):
        act_of(Contract.RECEIPTS, 9, b"")


def test_a_contract_without_records_has_no_acts() -> None:
    with pytest.raises(ActError, match="GoodsIndex: .*act 1"):
        act_of(Contract.GOODS, 1, b"")


@pytest.mark.parametrize("spoilt", [b"", bytes(31), bytes(33), bytes(64), b"\x80" + bytes(31)])
def test_data_that_is_not_the_one_encoding_is_refused(spoilt: bytes) -> None:
    with pytest.raises(ActError, match="ParticipantRegistry"):
        act_of(Contract.PARTICIPANTS, 4, spoilt)


def test_an_act_reads_as_its_struct() -> None:
    change = structs.GroupChange(7)
    assert act_of(Contract.PARTICIPANTS, 4, change.encode()) == ("SET_GROUP", change)


def test_every_contract_of_the_bindings_has_its_name_here() -> None:
    assert set(ACTS) <= {contract.value for contract in Contract}


@pytest.mark.parametrize("kind", FOR)
def test_what_is_signed_has_the_type_of_the_contracts(kind: Any) -> None:
    members = ",".join(f"{each.type} {each.name}" for each in struct_type(kind).fields)
    assert f'"{kind.__name__}({members})"' in CONSENTS
