"""The consortium's contracts by name, and the acts that their transitions carry."""

from enum import StrEnum

from ledger_node.abi import decode_act
from ledger_node.abi_decoding import fixed_size
from ledger_node.abi_types import AbiError, Struct


class Contract(StrEnum):
    """The consortium's contracts."""

    # The text's own, instead of one that runs as Python for each look-up.
    __hash__ = str.__hash__

    ACCESS = "ConsortiumAccess"
    PARTICIPANTS = "ParticipantRegistry"
    GOODS = "GoodsIndex"
    RECEIPTS = "ReceiptRegistry"
    PLEDGES = "PledgeRegistry"
    DEVICES = "DeviceRegistry"
    HUB = "AttestationHub"
    ENGINE = "RuleEngine"
    CREDIT = "CreditBook"
    REVIEWS = "ReviewBoard"
    COVERS = "CoverBook"
    ISSUE_DESK = "IssueDesk"
    DELIVERY_DESK = "DeliveryDesk"
    HOLD_DESK = "HoldDesk"


class ActError(ValueError):
    """A transition's act or data is not one that the contract's interface knows."""


def act_of(contract: Contract, act: int, data: bytes) -> tuple[str, Struct]:
    """Name and struct of a transition; `data` is the one encoding of the struct. Raises ActError."""
    try:
        name, struct = decode_act(contract, act, data)
        # What is decoded strictly and has a fixed size has no second encoding of that size.
        size = fixed_size(struct.ABI)
        spare = data != struct.encode() if size is None else len(data) != size
    except AbiError as error:
        raise ActError(f"{contract.value}: {error}") from None
    if spare:
        raise ActError(f"{contract.value}: the data of {name} has bytes to spare")
    return name, struct
