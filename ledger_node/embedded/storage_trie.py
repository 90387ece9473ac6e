"""A Merkle-Patricia trie that stays decoded in memory (Yellow Paper D), for accounts and the storage of contracts.

py-evm's trie encodes the whole path at each write; this one encodes a changed node once, when the root is asked for.
Keys are 32-byte hashes, so no key is part of another and branches hold no values. Paths are hexadecimal digits.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import rlp
from eth.constants import BLANK_ROOT_HASH
from lru import LRU

from ledger_node.embedded.errors import LedgerError
from ledger_node.hashing import keccak256
from ledger_node.rlp_strict import rlp_list, rlp_string
from ledger_node.tries import compact_path

_DIGITS = {digit: place for place, digit in enumerate("0123456789abcdef")}


@dataclass(slots=True)
class _Leaf:
    path: str
    value: bytes


@dataclass(slots=True)
class _Extension:
    path: str
    child: "_Child"


@dataclass(slots=True)
class _Branch:
    children: "list[_Child | None]"


Node: TypeAlias = _Leaf | _Extension | _Branch
_Child: TypeAlias = Node | bytes
"""A node in memory, or the hash of one that is not loaded or has not changed."""
LoadedNodes: TypeAlias = Union[dict[bytes, Node], "LRU[bytes, Node]"]
"""Nodes by their hashes, decoded."""


class StorageTrie:
    """The trie of `root_hash` in `db`, which also receives the new nodes when `root_hash` is read.

    Nodes in `loaded` are found there by hash, and new ones kept there; tries of any states may share it.
    Reading an absent key gives b"". A node that is missing in `db` raises LedgerError: the file is damaged.
    """

    def __init__(self, db: MutableMapping[bytes, bytes], root_hash: bytes, loaded: LoadedNodes | None = None) -> None:
        self.db = db
        self._root: _Child | None = None if root_hash == BLANK_ROOT_HASH else root_hash
        self._loaded: LoadedNodes = {} if loaded is None else loaded

    def __getitem__(self, key: bytes) -> bytes:
        path, child = key.hex(), self._root
        while child is not None:
            node = self._node(child)
            if isinstance(node, _Branch):
                path, child = path[1:], node.children[_DIGITS[path[0]]]
            elif isinstance(node, _Leaf):
                return node.value if node.path == path else b""
            elif path.startswith(node.path):
                path, child = path[len(node.path) :], node.child
            else:
                return b""
        return b""

    def __contains__(self, key: bytes) -> bool:
        return self[key] != b""

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if value == b"":
            del self[key]
        else:
            self._root = self._set(self._root, key.hex(), value)

    def __delitem__(self, key: bytes) -> None:
        if key in self:
            self._root = self._delete(self._root, key.hex())

    @property
    def root_hash(self) -> bytes:
        """The root; nodes that changed since it was last read are written to `db`."""
        if self._root is None:
            return BLANK_ROOT_HASH
        if not isinstance(self._root, bytes):
            encoded = self._encode(self._root)
            root = keccak256(encoded)
            self.db[root] = encoded
            self._loaded[root] = self._root
            self._root = root
        return self._root

    def _node(self, child: _Child) -> Node:
        if not isinstance(child, bytes):
            return child
        node = self._loaded.get(child)
        if node is None:
            try:
                node = _decoded(rlp.decode(self.db[child]))
            except KeyError:
                raise LedgerError(f"a node of the state is missing in the ledger's file: {child.hex()}") from None
            self._loaded[child] = node
        return node

    def _set(self, child: _Child | None, path: str, value: bytes) -> Node:
        """A changed copy of the node: loaded ones may be shared by hash and are never changed."""
        if child is None:
            return _Leaf(path, value)
        node = self._node(child)
        if isinstance(node, _Branch):
            place = _DIGITS[path[0]]
            children = list(node.children)
            children[place] = self._set(children[place], path[1:], value)
            return _Branch(children)
        if isinstance(node, _Leaf) and node.path == path:
            return _Leaf(path, value)
        shared = _shared_length(node.path, path)
        if isinstance(node, _Extension) and shared == len(node.path):
            return _Extension(node.path, self._set(node.child, path[shared:], value))
        children = [None] * 16
        children[_DIGITS[path[shared]]] = _Leaf(path[shared + 1 :], value)
        rest = node.path[shared + 1 :]
        old: _Child = _Leaf(rest, node.value) if isinstance(node, _Leaf) else _joined(rest, node.child)
        children[_DIGITS[node.path[shared]]] = old
        fork = _Branch(children)
        return _Extension(path[:shared], fork) if shared else fork

    def _delete(self, child: _Child | None, path: str) -> Node | None:
        """The node without a key that is in it."""
        if child is None:
            return None
        node = self._node(child)
        if isinstance(node, _Leaf):
            return None
        if isinstance(node, _Extension):
            below = self._delete(node.child, path[len(node.path) :])
            return None if below is None else self._extended(node.path, below)
        children = list(node.children)
        children[_DIGITS[path[0]]] = self._delete(children[_DIGITS[path[0]]], path[1:])
        left = [place for place, each in enumerate(children) if each is not None]
        if len(left) > 1:
            return _Branch(children)
        only = children[left[0]]
        return None if only is None else self._extended("0123456789abcdef"[left[0]], only)

    def _extended(self, path: str, child: _Child) -> Node:
        """The one node that stands for `path` followed by `child`."""
        node = self._node(child)
        if isinstance(node, _Leaf):
            return _Leaf(path + node.path, node.value)
        if isinstance(node, _Extension):
            return _Extension(path + node.path, node.child)
        return _Extension(path, child)

    def _encode(self, node: Node) -> bytes:
        if isinstance(node, _Leaf):
            return rlp_list(rlp_string(compact_path(node.path, leaf=True)) + rlp_string(node.value))
        if isinstance(node, _Extension):
            reference, node.child = self._reference(node.child)
            return rlp_list(rlp_string(compact_path(node.path, leaf=False)) + reference)
        parts: list[bytes] = []
        for place, child in enumerate(node.children):
            if child is None:
                parts.append(b"\x80")
                continue
            reference, node.children[place] = self._reference(child)
            parts.append(reference)
        return rlp_list(b"".join(parts) + b"\x80")

    def _reference(self, child: _Child) -> tuple[bytes, _Child]:
        """How a parent refers to a child, and what it keeps of it: the hash once the child is written."""
        if isinstance(child, bytes):
            return b"\xa0" + child, child
        encoded = self._encode(child)
        if len(encoded) < 32:
            return encoded, child
        digest = keccak256(encoded)
        self.db[digest] = encoded
        self._loaded[digest] = child
        return b"\xa0" + digest, digest


def _shared_length(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))


def _joined(path: str, child: _Child) -> _Child:
    return _Extension(path, child) if path else child


def _decoded(item: Any) -> Node:
    if len(item) == 17:
        return _Branch([_child(each) if each else None for each in item[:16]])
    digits = item[0].hex()
    flag = int(digits[0])
    path = digits[1:] if flag & 1 else digits[2:]
    return _Leaf(path, item[1]) if flag & 2 else _Extension(path, _child(item[1]))


def _child(item: Any) -> _Child:
    return item if isinstance(item, bytes) else _decoded(item)
