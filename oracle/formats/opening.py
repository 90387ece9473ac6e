"""The opening of a salted commitment (docs/formats/documents.md): a document with its salt."""

from dataclasses import dataclass

from ledger_node.canonical_json import JsonValue, loads
from ledger_node.hashing import keccak256


@dataclass(frozen=True, slots=True)
class Opening:
    """A document, canonical JSON, and its salt of 32 bytes: whoever has both can check the commitment, no one else can
    guess the content."""

    salt: bytes
    text: bytes

    @property
    def commitment(self) -> bytes:
        """keccak256(salt ‖ canonical JSON), 32 bytes: what the chain knows of it."""
        return keccak256(self.salt + self.text)

    @property
    def content(self) -> JsonValue:
        """The JSON value of the text."""
        return loads(self.text, canonical=True)
