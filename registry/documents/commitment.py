"""Salted commitments: what the chain knows of a document (docs/formats/documents.md)."""

import hmac
import secrets

from ledger_node.canonical_json import JsonError, JsonValue, dumps
from oracle.formats.opening import Opening

SALT_BYTES = 32


class DocumentError(ValueError):
    """A document breaks a rule; the message begins with the field."""


def seal(content: JsonValue, salt: bytes | None = None) -> Opening:
    """The opening of a content, under a new random salt when none is given. Raises DocumentError."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    if len(salt) != SALT_BYTES:
        raise DocumentError(f"salt: must have {SALT_BYTES} bytes")
    try:
        return Opening(salt, dumps(content))
    except JsonError as error:
        raise DocumentError(f"content: {error}") from None


def check(opening: Opening, commitment: bytes) -> JsonValue:
    """The content, when it opens `commitment`. Raises DocumentError for another commitment or a loose text."""
    if len(opening.salt) != SALT_BYTES:
        raise DocumentError(f"salt: must have {SALT_BYTES} bytes")
    if not hmac.compare_digest(opening.commitment, commitment):
        raise DocumentError("content: is not what the commitment on the chain was made of")
    try:
        return opening.content
    except JsonError as error:
        raise DocumentError(f"content: {error}") from None
