"""What a node answers, as values: blocks, logs, receipts, calls. Pure; every field is read strictly."""

from collections.abc import Mapping
from typing import Any

from ledger_node.headers import Header, HeaderError, read_header
from ledger_node.hexvalues import HexError, data_hex, read_address, read_data, read_quantity
from ledger_node.values import Value


class AnswerError(ValueError):
    """A node's answer is not what its method promises; the message names the field and the rule."""


class BlockView(Value, frozen=True):
    """A block as a node tells it. `hash` is computed from the header; `seal` is the embedded ledger's."""

    header: Header
    hash: bytes
    seal: bytes | None
    transactions: tuple[bytes, ...]


class Log(Value, frozen=True):
    """One log; `log_index` counts within the block."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    transaction_index: int
    log_index: int


class Receipt(Value, frozen=True):
    """The outcome of a transaction in a block.

    `revert_data` is set where the engine keeps it; `refused` names the rule when the embedded ledger accepted a
    transaction and could not execute it at its turn; `contract` is the address that a creation made.
    """

    transaction_hash: bytes
    transaction_index: int
    block_number: int
    block_hash: bytes
    sender: bytes
    to: bytes | None
    contract: bytes | None
    succeeded: bool
    gas_used: int
    cumulative_gas: int
    logs_bloom: bytes
    type: int
    logs: tuple[Log, ...]
    revert_data: bytes | None
    refused: str | None


class MinedCall(Value, frozen=True):
    """What a transaction asked for; `value` in wei, `gas` its limit."""

    sender: bytes
    to: bytes | None
    data: bytes
    value: int
    gas: int
    nonce: int


def read_block(answer: object) -> BlockView:
    """The block in an answer with transaction hashes. Raises AnswerError, also when there is none."""
    block = _object("block", answer)
    try:
        header = read_header(block)
        hashes = block.get("transactions")
        if not isinstance(hashes, list):
            raise AnswerError("block.transactions: must be a list of hashes")
        seal = block.get("seal")
        return BlockView(
            header=header,
            hash=header.hash(),
            seal=None if seal is None else read_data("block.seal", seal),
            transactions=tuple(read_data(f"block.transactions[{at}]", each, 32) for at, each in enumerate(hashes)),
        )
    except (HeaderError, HexError) as error:
        raise AnswerError(f"block: {error}") from None


def read_log(answer: object) -> Log:
    """The log in an answer. Raises AnswerError."""
    log = _object("log", answer)
    topics = log.get("topics")
    if not isinstance(topics, list) or len(topics) > 4:
        raise AnswerError("log.topics: must be a list of at most 4")
    try:
        return Log(
            address=read_address("log.address", log.get("address")),
            topics=tuple(read_data(f"log.topics[{at}]", each, 32) for at, each in enumerate(topics)),
            data=read_data("log.data", log.get("data")),
            block_number=read_quantity("log.blockNumber", log.get("blockNumber"), 64),
            block_hash=read_data("log.blockHash", log.get("blockHash"), 32),
            transaction_hash=read_data("log.transactionHash", log.get("transactionHash"), 32),
            transaction_index=read_quantity("log.transactionIndex", log.get("transactionIndex"), 64),
            log_index=read_quantity("log.logIndex", log.get("logIndex"), 64),
        )
    except HexError as error:
        raise AnswerError(str(error)) from None


def read_receipt(answer: object) -> Receipt:
    """The receipt in an answer. Raises AnswerError."""
    receipt = _object("receipt", answer)
    logs = receipt.get("logs")
    if not isinstance(logs, list):
        raise AnswerError("receipt.logs: must be a list")
    reason, refused = receipt.get("revertReason"), receipt.get("refused")
    try:
        return Receipt(
            transaction_hash=read_data("receipt.transactionHash", receipt.get("transactionHash"), 32),
            transaction_index=read_quantity("receipt.transactionIndex", receipt.get("transactionIndex"), 64),
            block_number=read_quantity("receipt.blockNumber", receipt.get("blockNumber"), 64),
            block_hash=read_data("receipt.blockHash", receipt.get("blockHash"), 32),
            sender=read_address("receipt.from", receipt.get("from")),
            to=_optional_address("receipt.to", receipt.get("to")),
            contract=_optional_address("receipt.contractAddress", receipt.get("contractAddress")),
            succeeded=read_quantity("receipt.status", receipt.get("status"), 1) == 1,
            gas_used=read_quantity("receipt.gasUsed", receipt.get("gasUsed"), 64),
            cumulative_gas=read_quantity("receipt.cumulativeGasUsed", receipt.get("cumulativeGasUsed"), 64),
            logs_bloom=read_data("receipt.logsBloom", receipt.get("logsBloom"), 256),
            type=read_quantity("receipt.type", receipt.get("type", "0x0"), 8),
            logs=tuple(read_log(each) for each in logs),
            revert_data=None if reason is None else read_data("receipt.revertReason", reason),
            refused=None if refused is None else str(refused)[:200],
        )
    except HexError as error:
        raise AnswerError(str(error)) from None


def read_receipt_of(transaction: bytes, answer: object) -> Receipt | None:
    """The receipt in an answer to the question for one transaction's, None while there is none. Raises AnswerError."""
    receipt = None if answer is None else read_receipt(answer)
    if receipt is not None and receipt.transaction_hash != transaction:
        raise AnswerError(f"eth_getTransactionReceipt: is not of transaction {data_hex(transaction)}")
    return receipt


def read_mined_call(answer: object) -> MinedCall:
    """What the transaction in an answer asked for. Raises AnswerError."""
    transaction = _object("transaction", answer)
    try:
        return MinedCall(
            sender=read_address("transaction.from", transaction.get("from")),
            to=_optional_address("transaction.to", transaction.get("to")),
            data=read_data("transaction.input", transaction.get("input")),
            value=read_quantity("transaction.value", transaction.get("value")),
            gas=read_quantity("transaction.gas", transaction.get("gas"), 64),
            nonce=read_quantity("transaction.nonce", transaction.get("nonce"), 64),
        )
    except HexError as error:
        raise AnswerError(str(error)) from None


def without_inline_nodes(answer: Any) -> Any:
    """An eth_getProof answer as geth gives it, whatever the engine lists."""

    def listed(nodes: Any) -> Any:
        if not isinstance(nodes, list):
            return nodes
        return [node for at, node in enumerate(nodes) if at == 0 or not isinstance(node, str) or len(node) >= 66]

    if not isinstance(answer, dict) or not isinstance(answer.get("storageProof"), list):
        return answer
    slots = [
        {**each, "proof": listed(each.get("proof"))} if isinstance(each, dict) else each
        for each in answer["storageProof"]
    ]
    return {**answer, "accountProof": listed(answer.get("accountProof")), "storageProof": slots}


def _object(field: str, answer: object) -> Mapping[str, object]:
    if not isinstance(answer, Mapping):
        raise AnswerError(f"{field}: is unknown to the node" if answer is None else f"{field}: must be an object")
    return answer


def _optional_address(field: str, value: object) -> bytes | None:
    return None if value is None else read_address(field, value)
