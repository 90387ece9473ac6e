"""The transaction that gives a drafted act its effect: contract, function, arguments in the order of the ABI. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ledger_node.abi import encode_call
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import read_data
from registry import structs
from registry.consents import Consent

Values = tuple[object, ...]
_NO_INSPECTION = structs.Inspection(bytes(32), 0, bytes(32), 0)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a contract of the consortium, by names."""

    contract: str
    function: str
    arguments: Values

    def data(self) -> bytes:
        """The call as the data of a transaction."""
        return encode_call(self.contract, self.function, *self.arguments)


@dataclass(frozen=True, slots=True)
class Signed:
    """A struct with the signatures of its parties, 64 bytes each, by entity; `order` is the signing order."""

    consent: Consent
    order: tuple[int, ...]
    signatures: Mapping[int, bytes]
    extras: Mapping[str, JsonValue]

    def joined(self) -> bytes:
        """The signatures one after the other, as the contracts take them."""
        return b"".join(self.signatures[entity] for entity in self.order)


@dataclass(frozen=True, slots=True)
class Related:
    """Structs of other records that a call names: of a receipt, of a pledge, of an inspection with its signature."""

    issue: structs.Issue | None = None
    pledge: structs.Pledge | None = None
    inspection: structs.Inspection | None = None
    inspector_signature: bytes = b""


class CallError(ValueError):
    """An act has no call, or something that its call needs is missing; the message names it."""


def call_of(signed: Signed, related: Related) -> Call:
    """The call of a fully signed act. Raises CallError for an inspection, which has its effect in a decision."""
    consent, signatures = signed.consent, signed.joined()
    match consent:
        case structs.Issue():
            return _issue(consent, signed, related)
        case structs.Delivery():
            arguments = (consent, _needed(related.issue, "issue"), _keys(signed, "unitKeys"), signatures)
            return Call("DeliveryDesk", "deliver", arguments)
        case structs.Release():
            return Call("PledgeRegistry", "release", (consent, _needed(related.pledge, "pledge"), signatures))
        case structs.Decision():
            return _decide(signed, related)
        case structs.Inspection():
            raise CallError("an inspection has its effect with the decision that names it")
        case _:
            contract, function = _PLAIN[type(consent)]
            return Call(contract, function, (consent, signatures))


def packed(entities: Sequence[int]) -> int:
    """Entities as 32 bits each, the first in the lowest bits."""
    return sum(entity << 32 * at for at, entity in enumerate(entities))


_PLAIN: dict[type[Any], tuple[str, str]] = {
    structs.Pledge: ("PledgeRegistry", "pledge"),
    structs.Fleet: ("DeviceRegistry", "setFleet"),
    structs.Facility: ("CreditBook", "openFacility"),
    structs.Drawdown: ("CreditBook", "draw"),
    structs.Repayment: ("CreditBook", "repay"),
    structs.Cover: ("CoverBook", "register"),
    structs.ClaimDecision: ("CoverBook", "decideClaim"),
}


def _issue(consent: structs.Issue, signed: Signed, related: Related) -> Call:
    plain: Values = (consent, _keys(signed, "unitKeys"), [], signed.joined())
    if not any(consent.replaces):
        return Call("IssueDesk", "issue", plain)
    replaced = (_needed(related.issue, "issue of the replaced receipt"), _keys(signed, "replacedUnitKeys"))
    return Call("IssueDesk", "replace", (*plain, *replaced))


def _decide(signed: Signed, related: Related) -> Call:
    inspection = related.inspection or _NO_INSPECTION
    arguments = (
        signed.consent,
        read_data("facility", signed.extras["facility"], 32),
        cast("int", signed.extras["facilitySeq"]),
        inspection,
        related.inspector_signature,
        packed(signed.order),
        signed.joined(),
    )
    return Call("ReviewBoard", "decide", arguments)


def _keys(signed: Signed, name: str) -> list[bytes]:
    return [read_data(name, key, 32) for key in cast("list[JsonValue]", signed.extras[name])]


def _needed(struct: Any, name: str) -> Any:
    if struct is None:
        raise CallError(f"the {name} is not known here")
    return struct
