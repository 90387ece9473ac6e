"""Where documents rest: encrypted, content-addressed blocks, and a local list from commitment to block.

A block is `0x01 ‖ nonce (12) ‖ AES-256-GCM(salt ‖ canonical JSON)` with the commitment as associated data. The same
block has the same CID in the embedded folder and in IPFS, so a member can move from one to the other.
"""

import secrets
from pathlib import Path
from typing import Protocol

import ipfshttpclient
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger_node.files import make_folder, replace_private, sync_folder
from oracle.formats.opening import Opening
from registry.documents.cid import cid_of, digest_of
from registry.documents.commitment import SALT_BYTES, DocumentError, check

MAX_BLOCK = 1 << 20
"""The greatest block in bytes; IPFS nodes do not exchange greater ones."""
_VERSION = b"\x01"
_NONCE = 12


class MissingBlock(LookupError):
    """The store has no block of this CID."""


class BlockStore(Protocol):
    """Blocks by CID."""

    def put(self, block: bytes) -> str:
        """Keeps a block durably and gives its CID; the same block twice is one block."""

    def get(self, cid: str) -> bytes:
        """The block of a CID. Raises MissingBlock, and DocumentError when it is not what the CID names."""


class FolderStore:
    """Blocks as files of one folder; a block is written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder

    def put(self, block: bytes) -> str:
        """Keeps a block durably. Raises DocumentError when it is greater than MAX_BLOCK."""
        cid = _checked_cid(block)
        _keep(self._folder / cid, block)
        return cid

    def get(self, cid: str) -> bytes:
        """The block of a CID. Raises CidError, MissingBlock, DocumentError."""
        digest_of(cid)
        try:
            block = (self._folder / cid).read_bytes()
        except FileNotFoundError:
            raise MissingBlock(cid) from None
        return _same(cid, block)


class IpfsStore:
    """Blocks in an IPFS node (Kubo), pinned. `address` is a multiaddr such as /ip4/127.0.0.1/tcp/5001/http."""

    def __init__(self, address: str, timeout_s: float = 30.0) -> None:
        self._client = ipfshttpclient.Client(address, timeout=timeout_s)

    def put(self, block: bytes) -> str:
        """Keeps and pins a block. Raises DocumentError when the node names it otherwise."""
        cid = _checked_cid(block)
        answer = self._client.block.put(_Reader(block), opts={"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"})
        if answer["Key"] != cid:
            raise DocumentError("cid: the IPFS node gave another CID than the block has")
        return cid

    def get(self, cid: str) -> bytes:
        """The block of a CID. Raises CidError, MissingBlock, DocumentError."""
        digest_of(cid)
        try:
            return _same(cid, bytes(self._client.block.get(cid)))
        except ipfshttpclient.exceptions.ErrorResponse:
            raise MissingBlock(cid) from None


class Documents:
    """A member's documents: openings by the commitment that the chain knows."""

    def __init__(self, blocks: BlockStore, catalogue: Path, key: bytes) -> None:
        """`catalogue` is a folder with one small file a commitment; `key` is the member's 32-byte storage key."""
        make_folder(catalogue)
        self._blocks = blocks
        self._catalogue = catalogue
        self._cipher = AESGCM(key)

    def put(self, opening: Opening) -> str:
        """Keeps an opening and gives its CID; an opening already kept stays as it is."""
        entry = self._entry(opening.commitment)
        if entry.exists():
            return entry.read_text()
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, opening.salt + opening.text, opening.commitment)
        cid = self._blocks.put(_VERSION + nonce + sealed)
        _keep(entry, cid.encode())
        return cid

    def get(self, commitment: bytes) -> Opening:
        """The opening of a commitment. Raises MissingBlock, and DocumentError when the block does not decrypt."""
        try:
            cid = self._entry(commitment).read_text()
        except FileNotFoundError:
            raise MissingBlock(commitment.hex()) from None
        block = self._blocks.get(cid)
        nonce, sealed = block[1 : 1 + _NONCE], block[1 + _NONCE :]
        try:
            plain = self._cipher.decrypt(nonce, sealed, commitment)
        except InvalidTag:
            raise DocumentError("block: does not decrypt under this member's key") from None
        opening = Opening(plain[:SALT_BYTES], plain[SALT_BYTES:])
        check(opening, commitment)
        return opening

    def cid(self, commitment: bytes) -> str:
        """The CID under which a commitment's block is kept. Raises MissingBlock."""
        try:
            return self._entry(commitment).read_text()
        except FileNotFoundError:
            raise MissingBlock(commitment.hex()) from None

    def _entry(self, commitment: bytes) -> Path:
        return self._catalogue / commitment.hex()


class _Reader:
    """A block as the stream that ipfshttpclient wants."""

    def __init__(self, block: bytes) -> None:
        self._rest = block

    def read(self, size: int = -1) -> bytes:
        size = len(self._rest) if size < 0 else size
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def _keep(path: Path, data: bytes) -> None:
    """Writes a file that has one content for ever; down to the disk, also when a process that was killed wrote it."""
    if path.exists():
        sync_folder(path.parent)
    else:
        replace_private(path, data)


def _checked_cid(block: bytes) -> str:
    if len(block) > MAX_BLOCK:
        raise DocumentError(f"block: may have {MAX_BLOCK} bytes")
    return cid_of(block)


def _same(cid: str, block: bytes) -> bytes:
    if cid_of(block) != cid:
        raise DocumentError("block: is not what its CID names")
    return block
