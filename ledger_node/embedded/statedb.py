"""The key-value store that py-evm executes on: a memory overlay above a cache above what is on disk.

Keys are hashes of values (trie nodes, codes), so nothing is ever overwritten and a cached value is never stale:
the state of every block stays readable, and readers need no locks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, cast

from eth.abc import AtomicWriteBatchAPI
from eth.db.backends.base import BaseAtomicDB
from lru import LRU

from ledger_node.embedded.storage_trie import LoadedNodes

NodeCache: TypeAlias = "LRU[bytes, bytes]"
CACHED_NODES = 100_000
"""About 50 MB: trie nodes have at most 532 bytes."""
LOADED_NODES = 20_000
"""About 20 MB of nodes that are decoded, by their hashes."""


def new_cache() -> NodeCache:
    """An empty cache, to be shared by all views of one store."""
    return LRU(CACHED_NODES)


def new_nodes() -> LoadedNodes:
    """An empty cache of decoded nodes, to be shared likewise."""
    return LRU(LOADED_NODES)


class StateDb(BaseAtomicDB):
    """One view: reads fall through to disk, writes stay in `written` until a block's commit takes them."""

    def __init__(self, read: Callable[[bytes], bytes | None], cache: NodeCache, loaded: LoadedNodes) -> None:
        self._read = read
        self._cache = cache
        self.loaded = loaded
        self.written: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.written[key] = value

    def __delitem__(self, key: bytes) -> None:
        del self.written[key]

    def _exists(self, key: bytes) -> bool:
        return self._find(key) is not None

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """The view itself: a block that fails is dropped whole, so no smaller unit is needed."""
        yield cast("AtomicWriteBatchAPI", self)

    def _find(self, key: bytes) -> bytes | None:
        value = self.written.get(key)
        if value is None:
            value = self._cache.get(key)
        if value is None:
            value = self._read(key)
            if value is not None:
                self._cache[key] = value
        return value
