"""The methods of the ledger's JSON-RPC, each a function of node and parameters (Ethereum execution-apis)."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from ledger_node.embedded import reads
from ledger_node.embedded.node import CLIENT_VERSION, Node
from ledger_node.embedded.rpc import formats
from ledger_node.embedded.rpc.errors import INVALID_PARAMS, LIMIT_EXCEEDED, RpcError
from ledger_node.embedded.rpc.params import Params, block_of, find_block, read_call, read_log_query, read_slot
from ledger_node.embedded.values import Block
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex

Method = Callable[[Node, Params], object]
MAX_FEE_HISTORY = 1_024
MAX_PROOF_SLOTS = 1_024


def _block(node: Node, selector: object, full: bool) -> object:
    block = find_block(node.store, node.head, selector)
    if block is None:
        return None
    return formats.block_json(block, node.store.block_transactions(block.number) if full else None)


def _block_by_hash(node: Node, params: Params) -> object:
    return _block(node, {"blockHash": params.get(0)}, params.flag(1))


def _at(node: Node, params: Params, place: int) -> Block:
    return block_of(node.store, node.head, params.optional(place, "latest"))


def _transaction_count(node: Node, params: Params) -> object:
    address = params.address(0)
    if params.optional(1) == "pending":
        return hex(node.chain.pending_nonce(address))
    return hex(reads.accounts_at(node.store, _at(node, params, 1).header).get_nonce(address))


def _balance(node: Node, params: Params) -> object:
    return hex(reads.accounts_at(node.store, _at(node, params, 1).header).get_balance(params.address(0)))


def _code(node: Node, params: Params) -> object:
    return data_hex(reads.accounts_at(node.store, _at(node, params, 1).header).get_code(params.address(0)))


def _storage(node: Node, params: Params) -> object:
    accounts = reads.accounts_at(node.store, _at(node, params, 2).header)
    value = accounts.get_storage(params.address(0), read_slot("argument 1", params.get(1)))
    return data_hex(value.to_bytes(32, "big"))


def _proof(node: Node, params: Params) -> object:
    keys = params.get(1)
    if not isinstance(keys, list) or len(keys) > MAX_PROOF_SLOTS:
        raise RpcError(INVALID_PARAMS, f"invalid argument 1: must be a list of at most {MAX_PROOF_SLOTS} slots")
    slots = tuple(read_slot("argument 1", key) for key in keys)
    proof = reads.prove(node.store, _at(node, params, 2).header, params.address(0), slots)
    return formats.proof_json(proof, [str(key) for key in keys])


def _call(node: Node, params: Params) -> object:
    question = _question(node, params)
    output = node.execute(question)
    return data_hex(output) if isinstance(output, bytes) else hex(output)


def _estimate(node: Node, params: Params) -> object:
    question = _question(node, params)
    gas = min(question.call.gas, node.head.header.gas_limit)
    result = node.execute(replace(question, estimate=True, call=replace(question.call, gas=gas)))
    return hex(result) if isinstance(result, int) else data_hex(result)


def _question(node: Node, params: Params) -> reads.Question:
    if params.optional(2) is not None:
        raise RpcError(INVALID_PARAMS, "invalid argument 2: state overrides are not supported")
    call = read_call(params.get(0), node.call_gas_cap)
    return reads.Question(_at(node, params, 1).number, node.chain.genesis.chain_id, call)


def _transaction(node: Node, params: Params) -> object:
    transaction_hash = params.hash(0)
    pending = node.chain.pending(transaction_hash)
    if pending is not None:
        return formats.transaction_json(pending.transaction)
    mined = node.store.transaction(transaction_hash)
    return None if mined is None else formats.mined_json(mined)


def _receipt(node: Node, params: Params) -> object:
    transaction_hash = params.hash(0)
    mined = node.store.transaction(transaction_hash)
    if mined is not None and mined.block_number <= node.head.number:
        return formats.receipt_json(mined)
    refused = node.store.refused(transaction_hash)
    if refused is None:
        return None
    block = node.store.block_by_number(refused.block_number)
    return None if block is None else formats.refusal_json(refused, block)


def _block_receipts(node: Node, params: Params) -> object:
    block = find_block(node.store, node.head, _block_or_hash(params.get(0)))
    if block is None:
        return None
    return [formats.receipt_json(each) for each in node.store.block_transactions(block.number)]


def _block_or_hash(selector: object) -> object:
    return {"blockHash": selector} if isinstance(selector, str) and len(selector) == 66 else selector


def _count_by(node: Node, selector: object) -> object:
    block = find_block(node.store, node.head, selector)
    return None if block is None else hex(len(block.transaction_hashes))


def _transaction_in(node: Node, selector: object, index: int) -> object:
    block = find_block(node.store, node.head, selector)
    if block is None or index >= len(block.transaction_hashes):
        return None
    return formats.mined_json(node.store.block_transactions(block.number)[index])


def _logs(node: Node, params: Params) -> object:
    query = read_log_query(node.store, node.head, params.get(0))
    found = node.store.logs(query, node.log_limit + 1)
    if len(found) > node.log_limit:
        raise RpcError(LIMIT_EXCEEDED, f"query returned more than {node.log_limit} results; ask for fewer blocks")
    return [formats.log_json(log) for log in found]


def _fee_history(node: Node, params: Params) -> object:
    count = params.get(0)
    asked = count if isinstance(count, int) and not isinstance(count, bool) else params.quantity(0)
    newest = _at(node, params, 1).number
    wanted = min(max(asked, 0), MAX_FEE_HISTORY, newest + 1)
    blocks = [
        block for number in range(newest - wanted + 1, newest + 1) if (block := node.store.block_by_number(number))
    ]
    history: dict[str, object] = {
        "oldestBlock": hex(newest - wanted + 1),
        "baseFeePerGas": ["0x0"] * (wanted + 1),
        "gasUsedRatio": [block.header.gas_used / block.header.gas_limit for block in blocks],
    }
    percentiles = params.optional(2, [])
    if isinstance(percentiles, list) and percentiles:
        history["reward"] = [["0x0"] * len(percentiles)] * wanted
    return history


METHODS: Mapping[str, tuple[int, Method]] = {
    "web3_clientVersion": (0, lambda node, params: CLIENT_VERSION),
    "web3_sha3": (1, lambda node, params: data_hex(keccak256(params.data(0)))),
    "net_version": (0, lambda node, params: str(node.chain.genesis.chain_id)),
    "net_listening": (0, lambda node, params: False),
    "net_peerCount": (0, lambda node, params: "0x0"),
    "eth_chainId": (0, lambda node, params: hex(node.chain.genesis.chain_id)),
    "eth_syncing": (0, lambda node, params: False),
    "eth_accounts": (0, lambda node, params: []),
    "eth_blockNumber": (0, lambda node, params: hex(node.head.number)),
    "eth_gasPrice": (0, lambda node, params: "0x0"),
    "eth_maxPriorityFeePerGas": (0, lambda node, params: "0x0"),
    "eth_feeHistory": (3, _fee_history),
    "eth_getBlockByNumber": (2, lambda node, params: _block(node, params.get(0), params.flag(1))),
    "eth_getBlockByHash": (2, _block_by_hash),
    "eth_getBlockTransactionCountByNumber": (1, lambda node, params: _count_by(node, params.get(0))),
    "eth_getBlockTransactionCountByHash": (1, lambda node, params: _count_by(node, {"blockHash": params.get(0)})),
    "eth_getTransactionByBlockNumberAndIndex": (
        2,
        lambda node, params: _transaction_in(node, params.get(0), params.quantity(1)),
    ),
    "eth_getTransactionByBlockHashAndIndex": (
        2,
        lambda node, params: _transaction_in(node, {"blockHash": params.get(0)}, params.quantity(1)),
    ),
    "eth_getBlockReceipts": (1, _block_receipts),
    "eth_getTransactionByHash": (1, _transaction),
    "eth_getTransactionReceipt": (1, _receipt),
    "eth_getTransactionCount": (2, _transaction_count),
    "eth_getBalance": (2, _balance),
    "eth_getCode": (2, _code),
    "eth_getStorageAt": (3, _storage),
    "eth_getProof": (3, _proof),
    "eth_getLogs": (1, _logs),
    "eth_call": (3, _call),
    "eth_estimateGas": (3, _estimate),
    "eth_sendRawTransaction": (1, lambda node, params: data_hex(node.chain.accept(params.data(0)))),
}
"""Name to the most parameters it takes and what answers it."""
