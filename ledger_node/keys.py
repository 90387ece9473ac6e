"""Keys at rest and in use: encrypted key files (web3 secret storage, version 3) and the signer that holds one key.

A private key leaves this module by no text: it stands in no repr, log or error, and cannot be pickled.
"""

import json
import os
import re
import secrets
import stat
from pathlib import Path
from typing import NoReturn

from eth_account import Account

from ledger_node import secp256k1
from ledger_node.files import make_folder, sync_folder, write_new_private
from ledger_node.hexvalues import address_hex
from ledger_node.signing import TypedData, text_digest
from ledger_node.transactions import Transaction, signed, signing_digest

WORK = 2**17
"""scrypt's n for a passphrase that a person chose: about 0.6 s to open."""
WORK_OF_GENERATED = 2**12
"""scrypt's n where `new_passphrase` made the passphrase: 256 random bits need no slow hash."""
MAX_FILE = 64 * 1024
_NODE_KEY = re.compile(rb"(?:0x)?([0-9a-fA-F]{64})\r?\n?")
"""Besu writes its own with 0x, GoQuorum without a line end."""


class KeyFileError(Exception):
    """A key or passphrase file cannot be used; the message names the file and the rule, never what it holds."""


class LocalSigner:
    """A signer whose key is in this process. Satisfies signing.Signer."""

    __slots__ = ("_address", "_key", "_ready")

    def __init__(self, private_key: bytes) -> None:
        self._address = secp256k1.address_of(private_key)
        self._key, self._ready = private_key, secp256k1.ready(private_key)

    @classmethod
    def generate(cls) -> "LocalSigner":
        """A signer with a new key."""
        return cls(secp256k1.generate())

    @property
    def address(self) -> bytes:
        """The 20-byte address of the account."""
        return self._address

    def sign_digest(self, digest: bytes) -> bytes:
        """The 64-byte signature (EIP-2098) of a 32-byte digest. Raises SignatureError."""
        return secp256k1.sign_digest(self._ready, digest)

    def sign65(self, digest: bytes) -> bytes:
        """The 65-byte signature r, s, v of a 32-byte digest, as headers of the embedded ledger are sealed."""
        return secp256k1.sign65(self._ready, digest)

    def sign_transaction(self, transaction: Transaction) -> bytes:
        """The raw bytes of the signed transaction."""
        return signed(transaction, self.sign_digest(signing_digest(transaction)))

    def sign_typed(self, data: TypedData) -> bytes:
        """The 64-byte signature (EIP-2098) of typed data."""
        return self.sign_digest(data.digest)

    def sign_text(self, text: bytes) -> bytes:
        """The 64-byte signature (EIP-2098) of a text (EIP-191)."""
        return self.sign_digest(text_digest(text))

    def save(self, key_file: Path, passphrase_file: Path, work: int = WORK) -> None:
        """Write the encrypted key, mode 0600; an existing file is never replaced. Raises KeyFileError."""
        document = Account.encrypt(self._key, read_passphrase(passphrase_file), kdf="scrypt", iterations=work)
        write_private(key_file, json.dumps(document, sort_keys=True).encode() + b"\n")

    def __repr__(self) -> str:
        return f"LocalSigner({address_hex(self._address)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer cannot be copied out of its process")


def load_signer(key_file: Path, passphrase_file: Path) -> LocalSigner:
    """The signer whose key `key_file` holds. Raises KeyFileError for files that are open to others, wrong or broken."""
    passphrase = read_passphrase(passphrase_file)
    text = read_private(key_file)
    try:
        key = bytes(Account.decrypt(text.decode(), passphrase))
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError):
        raise KeyFileError(f"{key_file}: is no key file of version 3, or the passphrase is another one") from None
    return LocalSigner(key)


def open_signer(key_file: Path, passphrase_file: Path) -> LocalSigner:
    """The signer of `key_file`; when neither file exists, a new key under a new passphrase. Raises KeyFileError."""
    if not key_file.exists() and not passphrase_file.exists():
        new_passphrase(passphrase_file)
    if key_file.exists():
        signer = load_signer(key_file, passphrase_file)
        # A process that made it may have been killed before its name was on the disk.
        sync_folder(key_file.parent)
        return signer
    signer = LocalSigner.generate()
    signer.save(key_file, passphrase_file, WORK_OF_GENERATED)
    return signer


def new_node_key(path: Path) -> bytes:
    """Write a new key as Besu and GoQuorum read that of their node, mode 0600; returns the 64-byte public key.

    It is not encrypted, since they ask for no passphrase. An existing file is never replaced. Raises KeyFileError.
    """
    key = secp256k1.generate()
    write_private(path, key.hex().encode() + b"\n")
    return secp256k1.public_key_of(key)


def read_node_key(path: Path) -> bytes:
    """The 64-byte public key of a node's key, as `new_node_key`, Besu and GoQuorum write it; the file is only read.

    Raises KeyFileError for a file that is open to others or holds anything else.
    """
    found = _NODE_KEY.fullmatch(read_private(path))
    try:
        return secp256k1.public_key_of(bytes.fromhex(found[1].decode()) if found else b"")
    except secp256k1.SignatureError:
        raise KeyFileError(f"{path}: is no key of a node, 64 hexadecimal digits") from None


def new_passphrase(path: Path) -> None:
    """Write a passphrase of 256 random bits, mode 0600; an existing file is never replaced. Raises KeyFileError."""
    write_private(path, secrets.token_urlsafe(32).encode() + b"\n")


def read_passphrase(path: Path) -> str:
    """The first line of a passphrase file that only its owner can read. Raises KeyFileError."""
    try:
        lines = read_private(path).decode().splitlines()
    except UnicodeDecodeError:
        raise KeyFileError(f"{path}: is not text") from None
    if not lines or not lines[0]:
        raise KeyFileError(f"{path}: holds no passphrase in its first line")
    return lines[0]


def read_private(path: Path) -> bytes:
    """What a file holds that only its owner can read. Raises KeyFileError."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeyFileError(f"{path}: is no regular file")
            if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeyFileError(f"{path}: is open to group or others; run chmod 600")
            return file.read(MAX_FILE)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None


def write_private(path: Path, text: bytes) -> None:
    """Write a new file, mode 0600, down to the disk; an existing one is never replaced. Raises KeyFileError."""
    try:
        make_folder(path.parent)
        write_new_private(path, text)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
