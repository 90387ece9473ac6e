"""One reader for every kind of document: its `schema` field says which model it must satisfy."""

from pydantic import ValidationError

from ledger_node.canonical_json import JsonValue
from registry.documents.commitment import DocumentError
from registry.documents.fields import Strict
from registry.documents.receipt import ReceiptContent
from registry.documents.terms import (
    Amount,
    Clause,
    CoverTerms,
    DeliveryOrder,
    EntityNames,
    FacilityTerms,
    Inspection,
    PledgeTerms,
    Reason,
)

MODELS: dict[str, type[Strict]] = {
    "cangdan/receipt/1": ReceiptContent,
    "cangdan/pledge-terms/1": PledgeTerms,
    "cangdan/facility-terms/1": FacilityTerms,
    "cangdan/clause/1": Clause,
    "cangdan/amount/1": Amount,
    "cangdan/cover-terms/1": CoverTerms,
    "cangdan/delivery-order/1": DeliveryOrder,
    "cangdan/inspection/1": Inspection,
    "cangdan/reason/1": Reason,
    "cangdan/entity/1": EntityNames,
}
_RULES = {"missing": "is missing", "extra_forbidden": "is unknown"}


def read(content: JsonValue) -> Strict:
    """The document that a JSON value holds. Raises DocumentError that names the first field and its rule."""
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or schema not in MODELS:
        raise DocumentError(f"schema: must be one of {', '.join(MODELS)}")
    try:
        return MODELS[schema].model_validate(content)
    except ValidationError as error:
        raise DocumentError(_first(error)) from None


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] in _RULES:
        return f"{path}: {_RULES[first['type']]}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{path}: {message}" if path else message
