"""The file form of a bundle: canonical JSON (RFC 8785), read strictly: each field known, none missing, one order."""

from typing import TypeVar, cast

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.headers import Header, HeaderError, header_json, read_header
from ledger_node.hexvalues import HexError, data_hex
from ledger_node.proofs import ProofError, read_state_proof, state_proof_json
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.opening import Opening
from registry.acts import Contract
from registry.evidence.action_file import action_json, read_action
from registry.evidence.bundle import FORMAT, Bundle, Claim, ClaimKind, RecordHistory
from registry.evidence.reading import ordered, read_bytes
from registry.items import Moment
from registry.state import RECORDS
from registry.transitions import Transition
from registry.words import seq_of

MAX_BYTES = 64 << 20
_MAX_RECORDS, _MAX_TRANSITIONS, _MAX_DOCUMENTS = 4096, 1 << 20, 4096
_MAX_HEADERS = 1 << 16
_MAX_NUMBER = (1 << 53) - 1
T = TypeVar("T")


class BundleError(ValueError):
    """A file is not a bundle; the message names the field and the rule."""


def dump_bundle(bundle: Bundle) -> bytes:
    """The file of a bundle."""
    value: dict[str, JsonValue] = {
        "format": FORMAT,
        "claim": _claim_json(bundle.claim),
        "chainId": bundle.chain_id,
        "header": cast("JsonValue", header_json(bundle.header)),
        "proofs": {contract.value: cast("JsonValue", state_proof_json(proof)) for contract, proof in bundle.proofs},
        "records": [_record_json(each) for each in bundle.records],
        "documents": [{"salt": data_hex(each.salt), "content": each.content} for each in bundle.documents],
    }
    for name, headers in (("before", bundle.before), ("after", bundle.after)):
        if headers:
            value[name] = [cast("JsonValue", header_json(each)) for each in headers]
    if bundle.seal is not None:
        value["seal"] = data_hex(bundle.seal)
    if bundle.action is not None:
        value["action"] = action_json(bundle.action)
    return canonical_json.dumps(value)


def load_bundle(text: bytes) -> Bundle:
    """The bundle in a file. Raises BundleError."""
    if len(text) > MAX_BYTES:
        raise BundleError(f"bundle: may have {MAX_BYTES} bytes")
    try:
        bundle = _bundle(Fields(canonical_json.loads(text, canonical=True), "bundle"))
        if dump_bundle(bundle) != text:
            raise BundleError("bundle: a part is not in its one form (docs/formats/bundle.md)")
        return bundle
    except (JsonError, FieldError, HexError, HeaderError, ProofError) as error:
        raise BundleError(str(error)) from None


def _bundle(fields: Fields) -> Bundle:
    fields.word("format", str, [FORMAT])
    claim = _claim(fields.inner("claim"))
    bundle = Bundle(
        claim=claim,
        chain_id=fields.integer("chainId", 1, _MAX_NUMBER),
        header=read_header(fields.take("header")),
        seal=fields.data("seal", 65) if fields.has("seal") else None,
        proofs=tuple(
            (Contract(name), read_state_proof(proofs.take(name)))
            for proofs in [fields.inner("proofs")]
            for name in _names(proofs, cast("dict[str, JsonValue]", fields.take("proofs")))
        ),
        records=ordered(
            [_record(each) for each in objects(fields, "records", _MAX_RECORDS)],
            lambda each: (each.contract.value, each.id),
            fields.at("records"),
        ),
        documents=ordered(
            [_document(each) for each in objects(fields, "documents", _MAX_DOCUMENTS)],
            lambda each: each.commitment,
            fields.at("documents"),
        ),
        action=read_action(fields.inner("action")) if claim.kind is ClaimKind.ACTION else None,
        before=_headers(fields, "before"),
        after=_headers(fields, "after"),
    )
    fields.end()
    return bundle


def _headers(fields: Fields, name: str) -> tuple[Header, ...]:
    if not fields.has(name):
        return ()
    return tuple(read_header(each) for each in fields.items(name, _MAX_HEADERS, fewest=1))


def _names(fields: Fields, value: dict[str, JsonValue]) -> list[str]:
    known = {each.value for each in Contract}
    for name in value:
        if name not in known:
            raise FieldError(f"{fields.at(name)}: is no contract")
    return sorted(value)


def _claim(fields: Fields) -> Claim:
    kind = fields.word("kind", ClaimKind, [each.value for each in ClaimKind])
    id_ = fields.data("id", 32)
    seq = fields.integer("seq", 1, (1 << 32) - 1) if kind is ClaimKind.ACTION else 0
    fields.end()
    return Claim(kind, id_, seq)


def _claim_json(claim: Claim) -> JsonValue:
    value: dict[str, JsonValue] = {"kind": claim.kind.value, "id": data_hex(claim.id)}
    if claim.kind is ClaimKind.ACTION:
        value["seq"] = claim.seq
    return value


def _record(fields: Fields) -> RecordHistory:
    contract = fields.word("contract", Contract, [each.value for each in RECORDS])
    id_ = fields.data("id", 32)
    given = objects(fields, "transitions", _MAX_TRANSITIONS, fewest=1)
    transitions = tuple(_transition(contract, id_, each) for each in given)
    fields.end()
    return RecordHistory(contract, id_, transitions)


def _record_json(record: RecordHistory) -> JsonValue:
    transitions: list[JsonValue] = [
        {
            "act": each.act,
            "word": data_hex(each.word.to_bytes(32, "big")),
            "data": data_hex(each.data),
            "block": each.at.block,
            "time": each.at.time,
        }
        for each in record.transitions
    ]
    return {"contract": record.contract.value, "id": data_hex(record.id), "transitions": transitions}


def _transition(contract: Contract, id_: bytes, fields: Fields) -> Transition:
    word = int.from_bytes(fields.data("word", 32), "big")
    act = fields.integer("act", 1, 255)
    at = Moment(fields.integer("block", 0, _MAX_NUMBER), fields.integer("time", 0, _MAX_NUMBER))
    data = read_bytes(fields, "data")
    fields.end()
    return Transition(contract, id_, act, seq_of(word), word, data, at)


def _document(fields: Fields) -> Opening:
    opening = Opening(fields.data("salt", 32), canonical_json.dumps(fields.take("content")))
    fields.end()
    return opening
