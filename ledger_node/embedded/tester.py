"""An eth-tester backend on the embedded ledger: fast contract tests under the rules that the ledger serves.

Blocks are made, executed and read by `EmbeddedChain` and `reads`, as behind JSON-RPC; this module only translates to
eth-tester's dictionaries. What eth-tester cannot carry, and what to use instead:

* The data of a custom error ends in web3.py's provider, which keeps a text. The text names the error when a contract
  of this project has it, and `TransactionFailed.args[1]` has the data for who calls `EthereumTester` itself.
* No eth_getProof, eth_getBlockReceipts, subscriptions or batches: `EmbeddedProvider` has them.
* web3.py's `EthereumTesterProvider` tells a fixed chain id and gas price: `provider_of` tells the ledger's.
* `auto_mine_transactions=False`: eth-tester takes back each transaction and sends it again later, and its check of
  that knows no signature of EIP-155 for a chain id above 109. For several transactions in one block give them to
  `EmbeddedBackend.send_transaction`, then call `EthereumTester.mine_block`.
* Extra data is shown filled up to 32 bytes, so a block's hash cannot be computed from what eth-tester shows of it.
* Berlin rules: no fees of EIP-1559 and no fee history. The sealer is the coinbase of every block.
"""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth.vm.forks.berlin.transactions import BerlinTransactionBuilder
from eth_tester import EthereumTester
from eth_tester.backends.base import ZERO_ADDRESS, BaseChainBackend
from eth_tester.exceptions import BlockNotFound, TransactionFailed, TransactionNotFound, ValidationError
from eth_typing import Address
from web3.providers.eth_tester import EthereumTesterProvider
from web3.providers.eth_tester.defaults import API_ENDPOINTS

from ledger_node.abi import decode_revert
from ledger_node.embedded import reads
from ledger_node.embedded.accounts import LedgerAccountDB
from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.errors import ExecutionError, PoolError, Reverted
from ledger_node.embedded.node import CALL_GAS_CAP
from ledger_node.embedded.rpc.errors import revert_reason
from ledger_node.embedded.tester_fields import Fields, header_fields, receipt_fields, transaction_fields
from ledger_node.embedded.values import Block, MinedTransaction
from ledger_node.embedded.vm import Call, child_header
from ledger_node.genesis import DEFAULT_CHAIN_ID, Genesis, Prefund
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.keys import LocalSigner
from ledger_node.transactions import LegacyFee, Transaction

BALANCE = 10**24
"""Wei of each account in block 0."""
ACCOUNT_KEYS = tuple(number.to_bytes(32, "big") for number in range(1, 11))
"""The keys of eth-tester's own accounts: known to everybody, for tests alone."""
_SEALER_KEY = b"\x0b".rjust(32, b"\0")
_PANIC = bytes.fromhex("4e487b71")
_FEE_MARKET = ("max_fee_per_gas", "max_priority_fee_per_gas")
BlockNumber = int | str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of the ledger's directory, and its clock in seconds since 1970."""

    directory: Path
    time: int


class EmbeddedBackend(BaseChainBackend):  # type: ignore[misc]
    """A ledger of its own in `directory`; its clock stands still but for a second a block and time travel.

    `keys` are the accounts' private keys, `start` is the first time in seconds since 1970 (now, when not given).
    Raises what EmbeddedChain raises.
    """

    def __init__(
        self,
        directory: Path,
        *,
        chain_id: int = DEFAULT_CHAIN_ID,
        keys: Sequence[bytes] = ACCOUNT_KEYS,
        start: int | None = None,
    ) -> None:
        self._directory = directory
        self._sealer = LocalSigner(_SEALER_KEY)
        self._signers = {signer.address: signer for signer in map(LocalSigner, keys)}
        alloc = tuple(Prefund(address, BALANCE) for address in sorted(self._signers))
        self._genesis = Genesis(chain_id, self._sealer.address, alloc=alloc)
        self._start = self._time = int(time.time()) if start is None else start
        self._snapshots = 0
        self._chain = self._open()

    @property
    def chain(self) -> EmbeddedChain:
        """The ledger; another object after `revert_to_snapshot` and `reset_to_genesis`."""
        return self._chain

    @property
    def time(self) -> int:
        """The clock, in seconds since 1970; the next block is a second later."""
        return self._time

    def close(self) -> None:
        """Gives the directory free."""
        self._chain.close()

    # --- snapshots and time

    def take_snapshot(self) -> Snapshot:
        """A copy of the ledger as it is, with what waits in it."""
        self._snapshots += 1
        snapshot = Snapshot(self._directory / f"snapshot-{self._snapshots}", self._time)
        self._chain.close()
        shutil.copytree(self._ledger, snapshot.directory)
        self._chain = self._open()
        return snapshot

    def revert_to_snapshot(self, snapshot: Snapshot) -> None:
        """Makes the ledger what it was; the snapshot can be used again."""
        self._chain.close()
        shutil.rmtree(self._ledger)
        shutil.copytree(snapshot.directory, self._ledger)
        self._time = snapshot.time
        self._chain = self._open()

    def reset_to_genesis(self) -> None:
        """Begins again with block 0."""
        self._chain.close()
        shutil.rmtree(self._ledger)
        self._time = self._start
        self._chain = self._open()

    def time_travel(self, to_timestamp: int) -> None:
        """Lets the next block have this time, in seconds since 1970."""
        self._time = to_timestamp - 1

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = ZERO_ADDRESS) -> list[bytes]:
        """Seals blocks, the first with all that waits; their hashes. Raises ValidationError for another coinbase."""
        if coinbase not in (ZERO_ADDRESS, self._sealer.address):
            raise ValidationError(f"coinbase: must be the ledger's sealer {address_hex(self._sealer.address)}")
        hashes = []
        for _ in range(num_blocks):
            self._time += 1
            sealed = self._chain.seal()
            assert sealed is not None
            hashes.append(sealed.block.hash)
        return hashes

    # --- accounts

    def get_accounts(self) -> tuple[bytes, ...]:
        """The addresses that this backend signs for."""
        return tuple(self._signers)

    def add_account(self, private_key: bytes) -> None:
        """Signs for one more account, which has no balance."""
        signer = LocalSigner(private_key)
        self._signers[signer.address] = signer

    def get_nonce(self, account: bytes, block_number: BlockNumber = "latest") -> int:
        """The nonce after a block; "pending" counts what waits."""
        if block_number == "pending":
            return self._chain.pending_nonce(account)
        return self._accounts(block_number).get_nonce(Address(account))

    def get_balance(self, account: bytes, block_number: BlockNumber = "latest") -> int:
        """The balance in wei after a block."""
        return self._accounts(block_number).get_balance(Address(account))

    def get_code(self, account: bytes, block_number: BlockNumber = "latest") -> bytes:
        """The code after a block."""
        return self._accounts(block_number).get_code(Address(account))

    def get_storage(self, account: bytes, slot: int, block_number: BlockNumber = "latest") -> int:
        """A storage slot after a block."""
        return self._accounts(block_number).get_storage(Address(account), slot)

    # --- blocks, transactions, receipts

    def get_block_by_number(self, block_number: BlockNumber, full_transaction: bool = True) -> Fields:
        """A block in eth-tester's fields; "pending" is an empty one with the next number and time."""
        if block_number != "pending":
            return self._block_fields(self._block(block_number), full_transaction)
        parent = self._chain.head.header
        header = child_header(parent, self._genesis.sealer, max(parent.timestamp, self._time + 1))
        return self._block_fields(Block(header, b"", 0), full_transaction)

    def get_block_by_hash(self, block_hash: bytes, full_transaction: bool = True) -> Fields:
        """A block in eth-tester's fields. Raises BlockNotFound."""
        block = self._chain.store.block_by_hash(block_hash)
        if block is None:
            raise BlockNotFound(f"No block found for block hash: {data_hex(block_hash)}")
        return self._block_fields(block, full_transaction)

    def get_transaction_by_hash(self, transaction_hash: bytes) -> Fields:
        """A transaction that waits or is mined, in eth-tester's fields. Raises TransactionNotFound."""
        pending = self._chain.pending(transaction_hash)
        if pending is not None:
            return transaction_fields(None, pending.raw, 0)
        mined = self._mined(transaction_hash)
        return transaction_fields(self._block(mined.block_number), mined.raw, mined.index)

    def get_transaction_receipt(self, transaction_hash: bytes) -> Fields:
        """A receipt in eth-tester's fields; that of a waiting transaction has no block and no logs.

        Raises TransactionNotFound, also for one that was accepted and could not be executed when its turn came.
        """
        pending = self._chain.pending(transaction_hash)
        if pending is None:
            return receipt_fields(self._mined(transaction_hash))
        waiting = MinedTransaction(0, b"", 0, pending.hash, pending.raw, pending.sender, False, 0, 0, None, b"")
        return {**receipt_fields(waiting), "block_hash": None, "block_number": None, "transaction_index": None}

    def get_fee_history(self, *_: object) -> Fields:
        """Raises ValidationError: under Berlin rules there is none."""
        raise ValidationError("fee history: the ledger runs Berlin rules, which have no base fee")

    # --- sending and asking

    def send_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Signs for one of the accounts and hands in; the hash. Raises ValidationError that names the rule."""
        signer = self._signers.get(transaction["from"])
        if signer is None:
            raise ValidationError(f"from: {address_hex(transaction['from'])} is no account of this tester")
        if transaction.get("access_list"):
            raise ValidationError("access_list: sign the transaction yourself and send it raw")
        unsigned = Transaction(
            chain_id=transaction.get("chain_id", self._genesis.chain_id),
            nonce=transaction.get("nonce", self._chain.pending_nonce(signer.address)),
            to=transaction.get("to") or None,
            data=transaction.get("data", b""),
            gas=transaction["gas"],
            fee=LegacyFee(_gas_price(transaction)),
            value=transaction.get("value", 0),
        )
        return self.send_raw_transaction(signer.sign_transaction(unsigned))

    def send_signed_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Hands in a transaction given with its signature v, r, s; the hash. Raises ValidationError."""
        call = (
            transaction["gas"],
            transaction.get("to", b""),
            transaction.get("value", 0),
            transaction.get("data", b""),
        )
        signature = (transaction["v"], transaction["r"], transaction["s"])
        place = (transaction["nonce"], _gas_price(transaction), *call)
        if "access_list" not in transaction:
            return self.send_raw_transaction(BerlinTransactionBuilder.new_transaction(*place, *signature).encode())
        listed = BerlinTransactionBuilder.new_access_list_transaction(
            transaction["chain_id"], *place, transaction["access_list"], *signature
        )
        return self.send_raw_transaction(listed.encode())

    def send_raw_transaction(self, raw_transaction: bytes) -> bytes:
        """Hands in raw bytes; the hash, once they are durable. Raises ValidationError with the pool's reason."""
        try:
            return self._chain.accept(raw_transaction)
        except PoolError as error:
            raise ValidationError(str(error)) from None

    def estimate_gas(self, transaction: Mapping[str, Any], block_number: BlockNumber = "latest") -> int:
        """The gas that the call needs. Raises TransactionFailed."""
        return int(self._answer(transaction, block_number, self._genesis.gas_limit, estimate=True))

    def call(self, transaction: Mapping[str, Any], block_number: BlockNumber = "latest") -> bytes:
        """What the call returns. Raises TransactionFailed."""
        return bytes(self._answer(transaction, block_number, CALL_GAS_CAP))

    # --- within

    @property
    def _ledger(self) -> Path:
        return self._directory / "ledger"

    def _open(self) -> EmbeddedChain:
        return EmbeddedChain(self._ledger, self._genesis, self._sealer, clock=lambda: self._time)

    def _block(self, block_number: BlockNumber) -> Block:
        if block_number in ("latest", "safe", "finalized", "pending"):
            return self._chain.head
        number = 0 if block_number == "earliest" else int(block_number)
        block = self._chain.store.block_by_number(number)
        if block is None:
            raise BlockNotFound(f"No block found for block number: {block_number}")
        return block

    def _accounts(self, block_number: BlockNumber) -> LedgerAccountDB:
        return reads.accounts_at(self._chain.store, self._block(block_number).header)

    def _mined(self, transaction_hash: bytes) -> MinedTransaction:
        mined = self._chain.store.transaction(transaction_hash)
        if mined is None:
            raise TransactionNotFound(f"No transaction found for transaction hash: {data_hex(transaction_hash)}")
        return mined

    def _block_fields(self, block: Block, full: bool) -> Fields:
        transactions: list[object] = list(block.transaction_hashes)
        if full:
            mined = self._chain.store.block_transactions(block.number) if block.transaction_hashes else []
            transactions = [transaction_fields(block, each.raw, each.index) for each in mined]
        return {**header_fields(block.header), "size": block.size, "transactions": transactions, "uncles": []}

    def _answer(
        self, transaction: Mapping[str, Any], block_number: BlockNumber, most: int, *, estimate: bool = False
    ) -> bytes | int:
        call = Call(
            sender=transaction["from"],
            to=transaction.get("to", b""),
            gas=min(transaction.get("gas", most), most),
            data=transaction.get("data", b""),
            value=transaction.get("value", 0),
            gas_price=_gas_price(transaction),
            access_list=transaction.get("access_list", ()),
        )
        number = self._block(block_number).number
        with _failures():
            return reads.answer(self._chain.store, reads.Question(number, self._genesis.chain_id, call, estimate))


def provider_of(backend: EmbeddedBackend, tester: EthereumTester | None = None) -> EthereumTesterProvider:
    """web3.py's provider of an eth-tester, with the ledger's chain id and no fees."""
    chain_id = backend.chain.genesis.chain_id
    told = {
        **API_ENDPOINTS["eth"],
        "chainId": lambda *_: hex(chain_id),
        "gasPrice": lambda *_: "0x0",
        "maxPriorityFeePerGas": lambda *_: "0x0",
    }
    net = {**API_ENDPOINTS["net"], "version": lambda *_: str(chain_id)}
    return EthereumTesterProvider(tester or EthereumTester(backend), {**API_ENDPOINTS, "eth": told, "net": net})


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except Reverted as error:
        raise TransactionFailed(_words(error.data), error.data) from None
    except ExecutionError as error:
        raise TransactionFailed(str(error), b"") from None


def _words(data: bytes) -> str:
    """The text of a revert; a panic as its bytes are shown, from which web3.py names it."""
    if data[:4] == _PANIC:
        return repr(data)
    return revert_reason(data) or str(decode_revert(data))


def _gas_price(transaction: Mapping[str, Any]) -> int:
    for name in _FEE_MARKET:
        if name in transaction:
            raise ValidationError(f"{name}: the ledger runs Berlin rules, which know gas_price alone")
    return int(transaction.get("gas_price", 0))
