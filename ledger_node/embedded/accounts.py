"""py-evm's accounts, they and the storage of contracts in a `StorageTrie`; all journaling stays py-evm's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import rlp
from eth.abc import AtomicDatabaseAPI
from eth.constants import BLANK_ROOT_HASH, EMPTY_SHA3
from eth.db.account import AccountDB
from eth.db.batch import BatchDB
from eth.db.cache import CacheDB
from eth.db.hash_trie import HashTrie
from eth.db.journal import JournalDB
from eth.db.storage import AccountStorageDB, StorageLookup
from eth_typing import Address, Hash32

from ledger_node.embedded.statedb import StateDb
from ledger_node.embedded.storage_trie import LoadedNodes, StorageTrie
from ledger_node.rlp_strict import rlp_list, rlp_string, scalar


class _Lookup(StorageLookup):
    """From slots to one trie that is read and written; `StorageLookup` decides when it is kept or dropped."""

    _write_trie: Any
    _trie_nodes_batch: Any
    _read_trie: StorageTrie | None = None
    _read_root: Hash32 = BLANK_ROOT_HASH

    def __init__(self, db: AtomicDatabaseAPI, storage_root: Hash32, address: Address, loaded: LoadedNodes) -> None:
        super().__init__(db, storage_root, address)
        self._loaded = loaded

    def _get_write_trie(self) -> Any:
        if self._trie_nodes_batch is None:
            self._trie_nodes_batch = BatchDB(self._db, read_through_deletes=True)
        if self._write_trie is None:
            self._write_trie = StorageTrie(self._trie_nodes_batch, self._starting_root_hash, self._loaded)
        return self._write_trie

    def _get_read_trie(self) -> Any:
        if self._write_trie is not None:
            return self._write_trie
        if self._read_trie is None or self._read_root != self._starting_root_hash:
            self._read_trie = StorageTrie(self._db, self._starting_root_hash, self._loaded)
            self._read_root = self._starting_root_hash
        return self._read_trie


class _Storage(AccountStorageDB):
    """The storage of one contract: py-evm's layers over our lookup."""

    def __init__(self, db: AtomicDatabaseAPI, storage_root: Hash32, address: Address, loaded: LoadedNodes) -> None:
        super().__init__(db, storage_root, address)
        self._storage_lookup = _Lookup(db, storage_root, address, loaded)
        self._storage_cache = CacheDB(self._storage_lookup)
        self._locked_changes = JournalDB(self._storage_cache)
        self._journal_storage = JournalDB(self._locked_changes)


class _HashedTrie(HashTrie):
    """From addresses to the trie of accounts, whose keys are their hashes."""

    @contextmanager
    def squash_changes(self) -> Iterator[HashTrie]:
        """The trie itself: it encodes nothing before its root is asked for, and a block that fails is dropped whole."""
        yield self


class _Account(NamedTuple):
    """An account as py-evm reads and copies it, without the checks of each field that its own costs."""

    nonce: int = 0
    balance: int = 0
    storage_root: bytes = BLANK_ROOT_HASH
    code_hash: bytes = EMPTY_SHA3

    def copy(self, **changed: Any) -> Self:
        """The account with some fields changed."""
        return self._replace(**changed)

    def encode(self) -> bytes:
        """Its RLP (Yellow Paper 4.1)."""
        fields = scalar(self.nonce), scalar(self.balance), self.storage_root, self.code_hash
        return rlp_list(b"".join(map(rlp_string, fields)))


def _decoded(encoded: bytes) -> _Account:
    nonce, balance, storage_root, code_hash = rlp.decode(encoded)
    return _Account(int.from_bytes(nonce, "big"), int.from_bytes(balance, "big"), storage_root, code_hash)


class LedgerAccountDB(AccountDB):
    """Accounts, and the storage of contracts in `_Storage`."""

    def __init__(self, db: StateDb, state_root: Hash32 = BLANK_ROOT_HASH) -> None:
        super().__init__(db, state_root)
        self._loaded = db.loaded
        self._trie: Any = _HashedTrie(StorageTrie(self._batchtrie, state_root, db.loaded))  # type: ignore[arg-type]
        self._trie_cache = CacheDB(self._trie)
        self._journaltrie = JournalDB(self._trie_cache)

    def get_code(self, address: Address) -> bytes:
        """The code at `address`; py-evm also looks through all that the block read, for a witness that nobody wants."""
        code_hash = self.get_code_hash(address)
        return b"" if code_hash == EMPTY_SHA3 else self._journaldb[code_hash]

    def _get_account(self, address: Address, from_journal: bool = True) -> Any:
        account: Any = self._account_cache.get(address) if from_journal else None
        if account is None:
            encoded = self._get_encoded_account(address, from_journal)
            account = _decoded(encoded) if encoded else _Account()
            if from_journal:
                self._account_cache[address] = account
        return account

    def _set_account(self, address: Address, account: Any) -> None:
        self._account_cache[address] = account
        self._journaltrie[address] = account.encode()

    def _get_address_store(self, address: Address) -> AccountStorageDB:
        store = self._account_stores.get(address)
        if not isinstance(store, AccountStorageDB):
            store = _Storage(self._raw_store_db, self._get_storage_root(address), address, self._loaded)
            self._account_stores[address] = store
        return store
