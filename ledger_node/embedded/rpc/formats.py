"""What the ledger holds, in the JSON of Ethereum's execution API."""

from collections.abc import Sequence

from eth.abc import SignedTransactionAPI
from eth_bloom.bloom import BloomFilter

from ledger_node.embedded.reads import AccountProof
from ledger_node.embedded.values import Block, LogEntry, MinedTransaction, RefusedTransaction
from ledger_node.embedded.vm import decode_transaction
from ledger_node.hexvalues import address_hex, data_hex

Json = dict[str, object]


def header_json(block: Block) -> Json:
    """The header of a block with its hash and seal, as newHeads tells it."""
    header = block.header
    return {
        "number": hex(header.block_number),
        "hash": data_hex(block.hash),
        "parentHash": data_hex(header.parent_hash),
        "nonce": data_hex(header.nonce),
        "mixHash": data_hex(header.mix_hash),
        "sha3Uncles": data_hex(header.uncles_hash),
        "logsBloom": data_hex(header.bloom.to_bytes(256, "big")),
        "transactionsRoot": data_hex(header.transaction_root),
        "stateRoot": data_hex(header.state_root),
        "receiptsRoot": data_hex(header.receipt_root),
        "miner": address_hex(header.coinbase),
        "difficulty": hex(header.difficulty),
        "extraData": data_hex(header.extra_data),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "seal": data_hex(block.seal),
    }


def block_json(block: Block, full: Sequence[MinedTransaction] | None) -> Json:
    """A block with its transactions' hashes, or with the transactions themselves when `full` holds them."""
    transactions: list[object] = [data_hex(each) for each in block.transaction_hashes]
    if full is not None:
        transactions = [mined_json(each) for each in full]
    return {
        **header_json(block),
        "totalDifficulty": hex(block.header.difficulty * (block.number + 1)),
        "size": hex(block.size),
        "transactions": transactions,
        "uncles": [],
    }


def mined_json(mined: MinedTransaction) -> Json:
    """A transaction in its block."""
    place = (mined.block_hash, mined.block_number, mined.index)
    return transaction_json(decode_transaction(mined.raw), place)


def transaction_json(transaction: SignedTransactionAPI, place: tuple[bytes, int, int] | None = None) -> Json:
    """A transaction; `place` is block hash, number and index, None while it waits."""
    typed = transaction.type_id is not None
    result: Json = {
        "blockHash": None if place is None else data_hex(place[0]),
        "blockNumber": None if place is None else hex(place[1]),
        "transactionIndex": None if place is None else hex(place[2]),
        "from": address_hex(transaction.sender),
        "gas": hex(transaction.gas),
        "gasPrice": hex(transaction.gas_price),
        "hash": data_hex(transaction.hash),
        "input": data_hex(transaction.data),
        "nonce": hex(transaction.nonce),
        "to": address_hex(transaction.to) if transaction.to else None,
        "value": hex(transaction.value),
        "type": "0x1" if typed else "0x0",
        "chainId": hex(transaction.chain_id or 0),
        "v": hex(transaction.y_parity if typed else transaction.v),  # type: ignore[attr-defined]
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if typed:
        result["yParity"] = hex(transaction.y_parity)
        result["accessList"] = [
            {"address": address_hex(address), "storageKeys": [data_hex(key.to_bytes(32, "big")) for key in keys]}
            for address, keys in transaction.access_list
        ]
    return result


def receipt_json(mined: MinedTransaction) -> Json:
    """The receipt of a mined transaction; `revertReason` (as in Besu) holds what a failed one returned."""
    transaction = decode_transaction(mined.raw)
    receipt: Json = {
        "transactionHash": data_hex(mined.hash),
        "transactionIndex": hex(mined.index),
        "blockHash": data_hex(mined.block_hash),
        "blockNumber": hex(mined.block_number),
        "from": address_hex(mined.sender),
        "to": address_hex(transaction.to) if transaction.to else None,
        "cumulativeGasUsed": hex(mined.cumulative_gas),
        "gasUsed": hex(mined.gas_used),
        "effectiveGasPrice": hex(transaction.gas_price),
        "contractAddress": None if mined.contract is None else address_hex(mined.contract),
        "logs": [log_json(log) for log in mined.logs],
        "logsBloom": data_hex(_bloom(mined.logs)),
        "type": "0x0" if transaction.type_id is None else hex(transaction.type_id),
        "status": "0x1" if mined.succeeded else "0x0",
    }
    if not mined.succeeded:
        receipt["revertReason"] = data_hex(mined.revert_data)
    return receipt


def refusal_json(refused: RefusedTransaction, block: Block) -> Json:
    """The receipt of a transaction that was accepted and could not be executed: no gas, and `refused` says why."""
    transaction = decode_transaction(refused.raw)
    return {
        "transactionHash": data_hex(refused.hash),
        "transactionIndex": "0x0",
        "blockHash": data_hex(block.hash),
        "blockNumber": hex(block.number),
        "from": address_hex(refused.sender),
        "to": address_hex(transaction.to) if transaction.to else None,
        "cumulativeGasUsed": "0x0",
        "gasUsed": "0x0",
        "effectiveGasPrice": hex(transaction.gas_price),
        "contractAddress": None,
        "logs": [],
        "logsBloom": data_hex(_bloom(())),
        "type": "0x0" if transaction.type_id is None else hex(transaction.type_id),
        "status": "0x0",
        "refused": refused.reason,
    }


def log_json(log: LogEntry) -> Json:
    """One log."""
    return {
        "address": address_hex(log.address),
        "topics": [data_hex(topic) for topic in log.topics],
        "data": data_hex(log.data),
        "blockNumber": hex(log.block_number),
        "blockHash": data_hex(log.block_hash),
        "transactionHash": data_hex(log.transaction_hash),
        "transactionIndex": hex(log.transaction_index),
        "logIndex": hex(log.index),
        "removed": False,
    }


def proof_json(proof: AccountProof, keys: Sequence[str]) -> Json:
    """An account proof (EIP-1186); `keys` repeat the slots as they were asked for."""
    return {
        "address": address_hex(proof.address),
        "accountProof": [data_hex(node) for node in proof.nodes],
        "balance": hex(proof.balance),
        "codeHash": data_hex(proof.code_hash),
        "nonce": hex(proof.nonce),
        "storageHash": data_hex(proof.storage_root),
        "storageProof": [
            {"key": key, "value": hex(slot.value), "proof": [data_hex(node) for node in slot.nodes]}
            for key, slot in zip(keys, proof.storage, strict=True)
        ],
    }


def _bloom(logs: Sequence[LogEntry]) -> bytes:
    bloom = BloomFilter()
    for log in logs:
        bloom.add(log.address)
        for topic in log.topics:
            bloom.add(topic)
    return int(bloom).to_bytes(256, "big")
