"""Blocks, transactions and receipts of the ledger in the dictionaries that eth-tester takes from a backend."""

from typing import Any

from eth.abc import BlockHeaderAPI
from eth_tester.backends.pyevm.serializers import serialize_transaction

from ledger_node.embedded.values import Block, LogEntry, MinedTransaction
from ledger_node.embedded.vm import decode_transaction

Fields = dict[str, Any]


def header_fields(header: BlockHeaderAPI) -> Fields:
    """A block's header; the extra data is filled up to 32 bytes."""
    return {
        "number": header.block_number,
        "hash": header.hash,
        "parent_hash": header.parent_hash,
        "nonce": header.nonce,
        "sha3_uncles": header.uncles_hash,
        "logs_bloom": header.bloom,
        "transactions_root": header.transaction_root,
        "receipts_root": header.receipt_root,
        "state_root": header.state_root,
        "coinbase": header.coinbase,
        "difficulty": header.difficulty,
        "total_difficulty": header.difficulty * (header.block_number + 1),
        "mix_hash": header.mix_hash,
        "extra_data": header.extra_data.rjust(32, b"\0"),
        "gas_limit": header.gas_limit,
        "gas_used": header.gas_used,
        "timestamp": header.timestamp,
    }


def transaction_fields(block: Block | None, raw: bytes, index: int) -> Fields:
    """A transaction by its raw bytes; without a block it waits."""
    return dict(serialize_transaction(block, decode_transaction(raw), index, block is None))


def receipt_fields(mined: MinedTransaction) -> Fields:
    """The receipt of a mined transaction."""
    transaction = decode_transaction(mined.raw)
    return {
        "transaction_hash": mined.hash,
        "transaction_index": mined.index,
        "block_hash": mined.block_hash,
        "block_number": mined.block_number,
        "from": mined.sender,
        "to": transaction.to,
        "cumulative_gas_used": mined.cumulative_gas,
        "effective_gas_price": transaction.gas_price,
        "gas_used": mined.gas_used,
        "contract_address": mined.contract,
        "logs": [_log_fields(log) for log in mined.logs],
        "state_root": b"\1" if mined.succeeded else b"",
        "status": int(mined.succeeded),
        "type": transaction.type_id or 0,
    }


def _log_fields(log: LogEntry) -> Fields:
    return {
        "type": "mined",
        "log_index": log.index,
        "transaction_index": log.transaction_index,
        "transaction_hash": log.transaction_hash,
        "block_hash": log.block_hash,
        "block_number": log.block_number,
        "address": log.address,
        "data": log.data,
        "topics": list(log.topics),
    }
