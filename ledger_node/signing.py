"""What a key is asked to sign, wherever it lives: transactions, typed data (EIP-712) and texts (EIP-191).

The first byte of what is hashed tells the three apart, so a signature of one never passes for another. A signer
elsewhere shows its owner what it signs, as it is given the content and never a bare digest.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.transactions import Transaction

SignedT = TypeVar("SignedT")


class SignerError(Exception):
    """A signer does not sign: it does not answer, refuses, or signs something else; one line without credentials.

    `signer` is its address, or the file that names it; `words` what is wrong.
    """

    def __init__(self, signer: str, words: str) -> None:
        super().__init__(f"signer {signer}: {words}")
        self.signer = signer
        self.words = words


@dataclass(frozen=True, slots=True)
class TypedData:
    """Typed data that is to be signed: its 32-byte digest, and what makes its JSON, as wallets take it."""

    digest: bytes
    document: Callable[[], dict[str, JsonValue]]


class TransactionSigner(Protocol):
    """Whoever signs the transactions of one account: a key in this process, or one elsewhere."""

    @property
    def address(self) -> bytes:
        """The 20-byte address of the account."""
        ...

    def sign_transaction(self, transaction: Transaction) -> bytes:
        """The raw bytes of the signed transaction. Raises SignerError."""
        ...


class Signer(TransactionSigner, Protocol):
    """Whoever signs all that an account signs; signatures have 64 bytes (EIP-2098)."""

    def sign_typed(self, data: TypedData) -> bytes:
        """The signature of typed data. Raises SignerError."""
        ...

    def sign_text(self, text: bytes) -> bytes:
        """The signature of `text_digest` of a text, which begins with its purpose. Raises SignerError."""
        ...


def so_far(signing: Iterable[SignedT]) -> tuple[list[SignedT], SignerError | None]:
    """What was signed until the signer failed, and how it failed: much that is to be signed gets on bit by bit."""
    made: list[SignedT] = []
    try:
        made.extend(signing)
    except SignerError as error:
        return made, error
    return made, None


def text_digest(text: bytes) -> bytes:
    """The 32 bytes that are signed for a text: version 0x45 of EIP-191, what `eth_sign` signs."""
    return keccak256(b"\x19Ethereum Signed Message:\n%d%s" % (len(text), text))
