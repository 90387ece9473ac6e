"""What an oracle signs about its log: checkpoints (C2SP signed notes), receipts of segments, its place, its requests.

All are signatures of texts (EIP-191) that begin with their purpose, so that none passes for another, for typed data
or for a transaction (docs/formats/log.md).
"""

import base64
import binascii
import re
from dataclasses import dataclass, replace

from ledger_node import canonical_json, secp256k1
from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hashing import sha256
from ledger_node.hexvalues import data_hex
from ledger_node.signing import Signer, text_digest
from oracle.formats.fields import FieldError, Fields
from oracle.formats.segment import MAX_TIME_MS, Context

RECEIPT_FORMAT = "cangdan/segment-receipt/1"
_NOTE_TYPE = b"\xffclr-secp256k1-eip191"
_NUMBER = re.compile(r"0\Z|[1-9][0-9]{0,15}\Z")


class NoteRefused(ValueError):
    """A checkpoint, receipt or request is not signed by the oracle it must come from, or not of the right form."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin, the number of its entries, the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The C2SP checkpoint body: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class SegmentReceipt:
    """An oracle's word that a segment is in its log; times in milliseconds. A device may forget what it has one for."""

    chain_id: int
    registry: bytes
    device: bytes
    seq: int
    segment_digest: bytes
    log_index: int
    oracle: bytes
    time_ms: int
    signature: bytes = b""


def log_origin(context: Context, oracle: bytes) -> str:
    """The name of an oracle's log; it binds chain, registry and oracle."""
    return f"clr-log/{context.chain_id}/{data_hex(context.registry)}/{data_hex(oracle)}"


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note (C2SP signed-note) of a checkpoint."""
    signature = signer.sign_text(checkpoint.text.encode())
    blob = base64.b64encode(_key_hash(checkpoint.origin, signer.address) + signature).decode()
    return f"{checkpoint.text}\n— {checkpoint.origin} {blob}\n"


def read_checkpoint(note: str, origin: str, oracle: bytes) -> Checkpoint:
    """The checkpoint in a note that `oracle` signed for `origin`. Raises NoteRefused."""
    lines = note.split("\n")
    if len(lines) != 6 or lines[3] or lines[5] or lines[0] != origin or not _NUMBER.match(lines[1]):
        raise NoteRefused(f"checkpoint: must be origin {origin}, size, root, an empty line and one signature")
    root, mark = _base64(lines[2], 32), f"— {origin} "
    if not lines[4].startswith(mark):
        raise NoteRefused("checkpoint: the signature must be by the origin")
    blob = _base64(lines[4][len(mark) :], 68)
    checkpoint = Checkpoint(origin, int(lines[1]), root)
    if blob[:4] != _key_hash(origin, oracle):
        raise NoteRefused("checkpoint: the key hash is not the oracle's")
    _check(checkpoint.text.encode(), blob[4:], oracle, "checkpoint")
    return checkpoint


def sign_receipt(receipt: SegmentReceipt, signer: Signer) -> SegmentReceipt:
    """The receipt with the signature of its oracle."""
    return replace(receipt, signature=signer.sign_text(_receipt_text(receipt)))


def dump_receipt(receipt: SegmentReceipt) -> bytes:
    """The canonical JSON (RFC 8785) of a signed receipt."""
    return canonical_json.dumps({**_receipt_json(receipt), "signature": data_hex(receipt.signature)})


def load_receipt(text: bytes) -> SegmentReceipt:
    """The receipt in a JSON text, its signature unchecked. Raises FieldError."""
    try:
        fields = Fields(canonical_json.loads(text), "receipt")
    except JsonError as error:
        raise FieldError(f"receipt: {error}") from None
    fields.word("format", str, [RECEIPT_FORMAT])
    receipt = SegmentReceipt(
        chain_id=fields.integer("chainId", 1, 2**53 - 1),
        registry=fields.data("registry", 20),
        device=fields.data("device", 16),
        seq=fields.integer("seq", 0, 2**53 - 1),
        segment_digest=fields.data("segmentDigest", 32),
        log_index=fields.integer("logIndex", 0, 2**53 - 1),
        oracle=fields.data("oracle", 20),
        time_ms=fields.integer("timeMs", 0, MAX_TIME_MS),
        signature=fields.data("signature", 64),
    )
    fields.end()
    return receipt


def check_receipt(receipt: SegmentReceipt) -> None:
    """Raises NoteRefused unless the oracle that the receipt names has signed it."""
    _check(_receipt_text(receipt), receipt.signature, receipt.oracle, "receipt")


def place_text(origin: str, url: str) -> bytes:
    """What an oracle signs about where it is reached, so that no other one can answer in its name."""
    statement: JsonValue = {"origin": origin, "url": url}
    return b"clr/oracle/1" + canonical_json.dumps(statement)


def check_place(origin: str, url: str, oracle: bytes, signature: bytes) -> None:
    """Raises NoteRefused unless the oracle has signed that its log `origin` is reached at `url`."""
    _check(place_text(origin, url), signature, oracle, "oracle")


def request_text(origin: str, target: str, time_ms: int) -> bytes:
    """What an oracle signs to read the bodies of the log `origin`: path and query of a GET request, and the time."""
    statement: JsonValue = {"origin": origin, "target": target, "timeMs": time_ms}
    return b"clr/request/1" + canonical_json.dumps(statement)


def check_request(origin: str, target: str, time_ms: int, signature: bytes) -> bytes:
    """The 20-byte address of the oracle that signed the request. Raises NoteRefused for a broken signature."""
    try:
        return secp256k1.recover(text_digest(request_text(origin, target, time_ms)), signature)
    except secp256k1.SignatureError as error:
        raise NoteRefused(f"request: {error}") from None


def _receipt_text(receipt: SegmentReceipt) -> bytes:
    return b"clr/seg-receipt/1" + canonical_json.dumps(_receipt_json(receipt))


def _receipt_json(receipt: SegmentReceipt) -> dict[str, JsonValue]:
    return {
        "format": RECEIPT_FORMAT,
        "chainId": receipt.chain_id,
        "registry": data_hex(receipt.registry),
        "device": data_hex(receipt.device),
        "seq": receipt.seq,
        "segmentDigest": data_hex(receipt.segment_digest),
        "logIndex": receipt.log_index,
        "oracle": data_hex(receipt.oracle),
        "timeMs": receipt.time_ms,
    }


def _key_hash(origin: str, oracle: bytes) -> bytes:
    """C2SP signed-note: SHA-256 of name, newline, type and public key, cut to 4 bytes; the key here is an address."""
    return sha256(origin.encode() + b"\n" + _NOTE_TYPE + oracle)[:4]


def _check(text: bytes, signature: bytes, oracle: bytes, name: str) -> None:
    try:
        signed_by = secp256k1.recover(text_digest(text), signature)
    except secp256k1.SignatureError as error:
        raise NoteRefused(f"{name}: {error}") from None
    if signed_by != oracle:
        raise NoteRefused(f"{name}: is signed by {data_hex(signed_by)}, not {data_hex(oracle)}")


def _base64(text: str, size: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != size or base64.b64encode(data).decode() != text:
        raise NoteRefused(f"checkpoint: must hold {size} bytes in canonical base64")
    return data
