"""A client of any engine: JSON-RPC over HTTP, answers read strictly into values.

Blocks are hashed from the node's own JSON, never from web3.py's, since its middleware renames and drops fields.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from typing import Any

from ledger_node.batches import AT_ONCE, LIMIT_EXCEEDED, Call, is_too_much
from ledger_node.chain_values import (
    AnswerError,
    BlockView,
    Log,
    MinedCall,
    Receipt,
    read_block,
    read_log,
    read_mined_call,
    read_receipt,
    read_receipt_of,
    without_inline_nodes,
)
from ledger_node.endpoints import ChainUnavailable, Endpoint, Endpoints, TooMuch
from ledger_node.hexvalues import HexError, address_hex, data_hex, read_data, read_quantity
from ledger_node.node_addresses import node_names
from ledger_node.proofs import ProofError, StateProof, read_state_proof
from ledger_node.sending_status import EndpointStatus

BlockId = int | str
"""A block's number, or "latest", "pending", "earliest"."""
__all__ = ["BlockId", "CallReverted", "ChainClient", "ChainUnavailable", "RpcError", "WrongChain"]
METHOD_NOT_FOUND = -32601
_REVERT_CODE = 3
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")


class WrongChain(Exception):
    """The node serves another chain than the one expected."""


class RpcError(Exception):
    """The node refuses a request: its code, its words, and the data of a revert, if there is any."""

    def __init__(self, code: int, message: str, data: bytes | None = None) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.data = data


class CallReverted(RpcError):
    """A call or an estimate reverted with `data` (an ABI-encoded error, or nothing)."""

    data: bytes

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(_REVERT_CODE, message, data)


class ChainClient:
    """Requests to a chain. Each call raises ChainUnavailable, RpcError, or AnswerError for an ill-formed answer."""

    def __init__(self, urls: str | Sequence[str], *, timeout: float = 10.0) -> None:
        """`urls` are the HTTP addresses of one node or several of the same chain, the preferred one first.

        `timeout` is in seconds, for each request to each node. Raises ValueError when there is no address.
        """
        each = (urls,) if isinstance(urls, str) else tuple(urls)
        if not each:
            raise ValueError("urls: at least one node's address is needed")
        self._endpoints = Endpoints(
            [Endpoint(url, name, timeout) for url, name in zip(each, node_names(each), strict=True)], patience=timeout
        )
        self._has_block_receipts = True

    def request(self, method: str, *params: object) -> Any:
        """The result of one JSON-RPC request, as the node wrote it."""
        found = _result(method, self._endpoints.ask(method, params))
        if isinstance(found, RpcError):
            raise found
        return found

    def request_all(self, calls: Sequence[Call]) -> list[Any]:
        """The results of several requests, sent as one, as the node wrote them; an RpcError in place of a result.

        Raises TooMuch when they are too many for the node; one alone is sent as `request` does.
        """
        if len(calls) == 1:
            answers = [self._endpoints.ask(calls[0].method, calls[0].params)]
        else:
            answers = self._endpoints.ask_all(calls)
        return [_result(call.method, answer) for call, answer in zip(calls, answers, strict=True)]

    def request_in_parts(self, calls: Sequence[Call], at_once: int = AT_ONCE, *, or_singly: bool = False) -> list[Any]:
        """The results of any number of requests as `request_all` gives them, at most `at_once` sent as one.

        Where that is too much they are sent one at a time from there on, if `or_singly`. Raises TooMuch otherwise.
        """
        found: list[Any] = []
        while len(found) < len(calls):
            try:
                found += self.request_all(calls[len(found) : len(found) + at_once])
            except TooMuch:
                if at_once == 1 or not or_singly:
                    raise
                at_once = 1
        return found

    def endpoints(self) -> tuple[EndpointStatus, ...]:
        """How the client's nodes do."""
        return self._endpoints.statuses()

    def pinned(self) -> "ChainClient":
        """This client, of one healthy node alone: for reads that must fit together. It fails when that node does.

        Raises ChainUnavailable. Pin anew for each piece of work.
        """
        one = copy(self)
        one._endpoints = self._endpoints.chosen()
        return one

    def chain_id(self) -> int:
        """The chain id that transactions are bound to."""
        return _quantity("eth_chainId", self.request("eth_chainId"))

    def check_chain(self, chain_id: int, genesis_hash: bytes | None = None) -> None:
        """Raises WrongChain unless the node serves this chain, and, when it is given, with this block 0."""
        found = self.chain_id()
        name = self.endpoints()[0].name
        if found != chain_id:
            raise WrongChain(f"node {name} serves chain {found}, not {chain_id}")
        if genesis_hash is not None and self.block(0).hash != genesis_hash:
            raise WrongChain(f"node {name} serves chain {chain_id} from another genesis block")

    def block_number(self) -> int:
        """The number of the newest block."""
        return _quantity("eth_blockNumber", self.request("eth_blockNumber"))

    def block(self, block: BlockId | bytes = "latest") -> BlockView:
        """A block by number, tag or hash: header, hash, seal, transactions. Raises AnswerError when there is none."""
        if isinstance(block, bytes):
            return read_block(self.request("eth_getBlockByHash", data_hex(block), False))
        return read_block(self.request("eth_getBlockByNumber", _block_id(block), False))

    def block_json(self, block: BlockId = "latest") -> Mapping[str, Any]:
        """A block's JSON, untouched, with the hashes of its transactions."""
        answer = self.request("eth_getBlockByNumber", _block_id(block), False)
        if not isinstance(answer, dict):
            raise AnswerError(f"block {block}: is unknown to the node")
        return answer

    def logs(
        self,
        first: int,
        last: int,
        addresses: Sequence[bytes] = (),
        topics: Sequence[bytes | Sequence[bytes] | None] = (),
    ) -> tuple[Log, ...]:
        """The logs of blocks `first` to `last`, both included; each topic is one, several to choose from, or any."""
        query: dict[str, object] = {"fromBlock": hex(first), "toBlock": hex(last)}
        if addresses:
            query["address"] = [address_hex(each) for each in addresses]
        if topics:
            query["topics"] = [_topic(each) for each in topics]
        answer = self.request("eth_getLogs", query)
        return tuple(read_log(each) for each in _list("eth_getLogs", answer))

    def receipts(self, number: int) -> tuple[Receipt, ...]:
        """The receipts of a block in order.

        Asked one by one where the node has no eth_getBlockReceipts, or when it has too many for one answer.
        """
        told = self._block_receipts(number)
        if told is not None:
            return tuple(read_receipt(each) for each in told)
        found = (self.receipt(each) for each in self.block(number).transactions)
        return tuple(each for each in found if each is not None)

    def receipts_among(self, number: int, transactions: Collection[bytes]) -> list[Receipt] | None:
        """The receipts in a block of those of these transactions that are in it; the others of it are not read.

        None where the node does not tell the receipts of that block together.
        """
        told = self._block_receipts(number)
        if told is None:
            return None
        wanted = {data_hex(each) for each in transactions}
        named = [(each.get("transactionHash"), each) for each in told if isinstance(each, dict)]
        return [read_receipt(each) for hash_, each in named if isinstance(hash_, str) and hash_ in wanted]

    def _block_receipts(self, number: int) -> list[object] | None:
        """The receipts of a block in one answer, None where the node has no such method or they are too many for it."""
        if self._has_block_receipts:
            try:
                return _list("eth_getBlockReceipts", self.request("eth_getBlockReceipts", hex(number)))
            except TooMuch:
                return None
            except RpcError as error:
                if error.code == METHOD_NOT_FOUND:
                    self._has_block_receipts = False
                elif not is_too_much({"message": error.message}):
                    raise
        return None

    def receipts_of(self, blocks: Sequence[BlockView], at_once: int) -> list[tuple[Receipt, ...]]:
        """The receipts of several blocks in order, asked for with at most `at_once` requests in one.

        Only those before the first block whose receipts the node does not tell as it should. Raises TooMuch.
        """
        if self._has_block_receipts:
            calls = [Call("eth_getBlockReceipts", (hex(each.header.number),)) for each in blocks]
            answers = self.request_in_parts(calls, at_once)
            if not any(isinstance(each, RpcError) and each.code == METHOD_NOT_FOUND for each in answers):
                return _readable(answers)
            self._has_block_receipts = False
        hashes = [data_hex(hash_) for block in blocks for hash_ in block.transactions]
        told = iter(self.request_in_parts([Call("eth_getTransactionReceipt", (each,)) for each in hashes], at_once))
        return _readable([[next(told) for _ in block.transactions] for block in blocks])

    def receipt(self, transaction: bytes) -> Receipt | None:
        """The receipt of a mined transaction by its hash, None while it is not mined."""
        return read_receipt_of(transaction, self.request("eth_getTransactionReceipt", data_hex(transaction)))

    def mined_call(self, transaction: bytes) -> MinedCall | None:
        """Who called what with which data in a transaction, None when the node does not know it."""
        answer = self.request("eth_getTransactionByHash", data_hex(transaction))
        return None if answer is None else read_mined_call(answer)

    def call(
        self,
        to: bytes | None,
        data: bytes,
        *,
        sender: bytes | None = None,
        block: BlockId = "latest",
        gas: int | None = None,
    ) -> bytes:
        """What a call returns at a block. Raises CallReverted with the error's data."""
        answer = self.request("eth_call", _call(to, data, sender, gas), _block_id(block))
        return _data("eth_call", answer)

    def estimate_gas(self, to: bytes | None, data: bytes, *, sender: bytes) -> int:
        """The gas that a transaction would need now. Raises CallReverted with the error's data."""
        return _quantity("eth_estimateGas", self.request("eth_estimateGas", _call(to, data, sender, None)))

    def proof(self, address: bytes, slots: Sequence[int] = (), block: BlockId = "latest") -> StateProof:
        """The account and slots at a block with their Merkle-Patricia proofs, not yet verified.

        Nodes under 32 bytes, which some engines list beside their parents, are left out.
        """
        keys = [f"{slot:#066x}" for slot in slots]
        answer = self.request("eth_getProof", address_hex(address), keys, _block_id(block))
        try:
            proof = read_state_proof(without_inline_nodes(answer))
        except ProofError as error:
            raise AnswerError(f"eth_getProof: {error}") from None
        if proof.address != address or [each.slot for each in proof.slots] != list(slots):
            raise AnswerError("eth_getProof: answers for another account or other slots")
        return proof

    def code(self, address: bytes, block: BlockId = "latest") -> bytes:
        """The code of an account, empty when it has none."""
        return _data("eth_getCode", self.request("eth_getCode", address_hex(address), _block_id(block)))

    def nonce(self, address: bytes, block: BlockId = "latest") -> int:
        """How many transactions the account has sent up to a block; "pending" counts those that wait."""
        answer = self.request("eth_getTransactionCount", address_hex(address), _block_id(block))
        return _quantity("eth_getTransactionCount", answer, 64)

    def balance(self, address: bytes, block: BlockId = "latest") -> int:
        """The account's balance in wei."""
        return _quantity("eth_getBalance", self.request("eth_getBalance", address_hex(address), _block_id(block)))

    def gas_price(self) -> int:
        """What the node asks for a unit of gas, in wei."""
        return _quantity("eth_gasPrice", self.request("eth_gasPrice"))

    def storage(self, address: bytes, slot: int, block: BlockId = "latest") -> int:
        """The value of a storage slot, unproved."""
        answer = self.request("eth_getStorageAt", address_hex(address), f"{slot:#066x}", _block_id(block))
        return int.from_bytes(_data("eth_getStorageAt", answer, 32), "big")

    def send_raw(self, raw: bytes) -> bytes:
        """Hand a signed transaction to the node; its hash. Raises RpcError when the node refuses it."""
        return _data("eth_sendRawTransaction", self.request("eth_sendRawTransaction", data_hex(raw)), 32)

    def revert_data(self, transaction: bytes) -> bytes | None:
        """The data with which a mined transaction reverted, None when it succeeded or is not mined.

        The node's own record where its receipt has one, otherwise the call is executed again on the state before
        its block, with its sender, value and gas.
        """
        receipt = self.receipt(transaction)
        if receipt is None or receipt.succeeded:
            return None
        if receipt.revert_data is not None:
            return receipt.revert_data
        mined = self.mined_call(transaction)
        if mined is None:
            raise AnswerError(f"transaction {data_hex(transaction)}: has a receipt and is unknown to the node")
        request = {**_call(mined.to, mined.data, mined.sender, mined.gas), "value": hex(mined.value)}
        try:
            self.request("eth_call", request, hex(max(receipt.block_number - 1, 0)))
        except CallReverted as error:
            return error.data
        except RpcError as error:
            if error.code == LIMIT_EXCEEDED:
                raise
        return b""


def _result(method: str, answer: Mapping[str, Any]) -> Any:
    """What an answer gives: a result, or an RpcError that says why there is none."""
    if "error" in answer:
        return _rpc_error(answer["error"])
    if "result" not in answer:
        raise AnswerError(f"{method}: the answer has neither result nor error")
    return answer["result"]


def _quantity(field: str, value: object, bits: int = 256) -> int:
    try:
        return read_quantity(field, value, bits)
    except HexError as error:
        raise AnswerError(str(error)) from None


def _data(field: str, value: object, size: int | None = None) -> bytes:
    try:
        return read_data(field, value, size)
    except HexError as error:
        raise AnswerError(str(error)) from None


def _rpc_error(error: object) -> RpcError:
    if not isinstance(error, Mapping):
        return RpcError(0, str(error)[:200])
    code, message, data = error.get("code"), str(error.get("message", ""))[:200], error.get("data")
    if isinstance(data, Mapping):
        data = data.get("data")
    found = bytes.fromhex(data[2:]) if isinstance(data, str) and _DATA.match(data) else None
    reverted = code == _REVERT_CODE or message.lower().startswith("execution reverted")
    if reverted:
        return CallReverted(message, found or b"")
    return RpcError(code if isinstance(code, int) else 0, message, found)


def _call(to: bytes | None, data: bytes, sender: bytes | None, gas: int | None) -> dict[str, object]:
    call: dict[str, object] = {"data": data_hex(data)}
    if to is not None:
        call["to"] = address_hex(to)
    if sender is not None:
        call["from"] = address_hex(sender)
    if gas is not None:
        call["gas"] = hex(gas)
    return call


def _block_id(block: BlockId) -> str:
    return hex(block) if isinstance(block, int) else block


def _topic(topic: bytes | Sequence[bytes] | None) -> object:
    if topic is None:
        return None
    return data_hex(topic) if isinstance(topic, bytes) else [data_hex(each) for each in topic]


def _receipts(answer: object) -> tuple[Receipt, ...]:
    return tuple(read_receipt(each) for each in _list("eth_getBlockReceipts", answer))


def _readable(answers: Sequence[object]) -> list[tuple[Receipt, ...]]:
    """The receipts in answers, each for one block, up to the first that cannot be read."""
    found: list[tuple[Receipt, ...]] = []
    for each in answers:
        try:
            found.append(_receipts(each))
        except AnswerError:
            break
    return found


def _list(field: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise AnswerError(f"{field}: must be a list")
    return value
