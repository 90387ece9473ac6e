"""Acts: their numbers (contracts/interfaces, the Acts libraries) and the data that their transitions carry.

All structs are static: `data` is one 32-byte word a field. `decode` is strict: exact length, no bit outside a field's
type, so one struct has one encoding.
"""

from dataclasses import fields
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from registry.structs import (
    AccountChange,
    Act,
    Cancellation,
    ClaimDecision,
    ClaimOpening,
    Clearing,
    Closing,
    ConsentWithdrawal,
    Cover,
    Delivery,
    DraftWithdrawal,
    Drawdown,
    Facility,
    Firing,
    Fleet,
    GroupChange,
    HoldOrder,
    Issue,
    Pledge,
    Registration,
    Release,
    Repayment,
    ReviewOpening,
    ReviewOutcome,
    StatusChange,
)

T = TypeVar("T")


class Contract(StrEnum):
    """The consortium's contracts."""

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


ACTS: dict[Contract, dict[int, tuple[str, type[Act]]]] = {
    Contract.PARTICIPANTS: {
        1: ("REGISTER", Registration),
        2: ("ADD_ACCOUNT", AccountChange),
        3: ("REVOKE_ACCOUNT", AccountChange),
        4: ("SET_GROUP", GroupChange),
        5: ("SUSPEND", StatusChange),
        6: ("REINSTATE", StatusChange),
        7: ("WITHDRAW_CONSENTS", ConsentWithdrawal),
        8: ("WITHDRAW_DRAFT", DraftWithdrawal),
    },
    Contract.DEVICES: {1: ("SET_FLEET", Fleet)},
    Contract.RECEIPTS: {
        1: ("ISSUE", Issue),
        2: ("PLEDGE", Pledge),
        3: ("RELEASE", Release),
        4: ("DELIVER", Delivery),
        5: ("CANCEL", Cancellation),
        6: ("HOLD", HoldOrder),
        7: ("CLEAR_HOLD", HoldOrder),
    },
    Contract.CREDIT: {
        1: ("OPEN", Facility),
        2: ("DRAW", Drawdown),
        3: ("REPAY", Repayment),
        4: ("HOLD", Firing),
        5: ("DEFER", Firing),
        6: ("NOTE", Firing),
        7: ("CLEAR_HOLD", Clearing),
        8: ("CLOSE", Closing),
    },
    Contract.REVIEWS: {1: ("OPEN", ReviewOpening), 2: ("DECIDE", ReviewOutcome)},
    Contract.COVERS: {
        1: ("REGISTER", Cover),
        2: ("OPEN_CLAIM", ClaimOpening),
        3: ("DECIDE_CLAIM", ClaimDecision),
    },
}
"""For each contract with records: number of the act -> its name and its struct."""


def act_of(contract: Contract, act: int, data: bytes) -> tuple[str, Act]:
    """Name and struct of a transition. Raises ActError for an unknown act or ill-formed data."""
    known = ACTS.get(contract, {}).get(act)
    if known is None:
        raise ActError(f"{contract.value}: act {act} is unknown")
    name, kind = known
    return name, decode(kind, data)


def decode(kind: type[T], data: bytes) -> T:
    """The struct that `abi.encode` made. Raises ActError that names the field."""
    words = _width(kind)
    if len(data) != 32 * words:
        raise ActError(f"{kind.__name__}: must be {32 * words} bytes, has {len(data)}")
    value, _ = _read(kind, data)
    result: T = value
    return result


def encode(struct: Act) -> bytes:
    """`abi.encode` of a struct. Raises ActError for a value outside its field's type."""
    return b"".join(_write(kind, getattr(struct, name), name) for name, kind in _members_of(struct))


def _members_of(struct: Act) -> tuple[tuple[str, Any], ...]:
    kind: Any = type(struct)
    return _members(kind)


@cache
def _members(kind: Any) -> tuple[tuple[str, Any], ...]:
    struct: Any = kind
    hints = get_type_hints(struct, include_extras=True)
    return tuple((each.name, hints[each.name]) for each in fields(struct))


def _width(kind: Any) -> int:
    return sum(_width(member) if isinstance(member, type) else 1 for _, member in _members(kind))


def _read(kind: Any, data: bytes) -> tuple[Any, bytes]:
    values: dict[str, object] = {}
    for name, member in _members(kind):
        if isinstance(member, type):
            values[name], data = _read(member, data)
        else:
            values[name] = _value(get_args(member)[1], data[:32], f"{kind.__name__}.{name}")
            data = data[32:]
    return kind(**values), data


def _value(solidity: str, word: bytes, field: str) -> int | bytes:
    if solidity == "bytes32":
        return word
    size = 20 if solidity == "address" else int(solidity.removeprefix("uint")) // 8
    if any(word[: 32 - size]):
        raise ActError(f"{field}: does not fit {solidity}")
    return word[12:] if solidity == "address" else int.from_bytes(word, "big")


def _write(kind: Any, value: Any, field: str) -> bytes:
    if isinstance(kind, type):
        return encode(value)
    solidity: str = get_args(kind)[1]
    if isinstance(value, int):
        if not 0 <= value < 1 << int(solidity.removeprefix("uint")):
            raise ActError(f"{field}: does not fit {solidity}")
        return value.to_bytes(32, "big")
    if len(value) != (20 if solidity == "address" else 32):
        raise ActError(f"{field}: does not fit {solidity}")
    return bytes(value).rjust(32, b"\0")
