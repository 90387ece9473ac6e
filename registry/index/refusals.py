"""Refused transactions: what was tried at our contracts, by whom, and why it was refused, by name."""

from functools import cache

from ledger_node.abi import abi_type, decode_revert
from ledger_node.artifacts import artifact
from ledger_node.chain_values import Receipt
from ledger_node.client import ChainClient
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from ledger_node.values import Value
from registry.acts import Contract
from registry.index.source import Block, SourceError
from registry.items import Moment
from registry.transitions import Deployment

DOUBLE_PLEDGE_CAUSES = frozenset(
    {"AlreadyPledged", "GoodsAlreadyClaimed", "PledgeExists", "StaleConsent", "ArrivalUnproven", "ReceiptExists"}
)
"""Causes that say: these goods, or this consent, were used already."""


class Argument(Value, frozen=True):
    """One argument of a cause; bytes are 0x-hexadecimal, numbers decimal."""

    name: str
    value: str


class Refusal(Value, frozen=True):
    """A transaction that was mined as refused: the act tried and the cause."""

    tx_hash: bytes
    tx_index: int
    at: Moment
    sender: bytes
    contract: str
    act: str
    cause: str
    args: tuple[Argument, ...]


def refusals_of(client: ChainClient, block: Block, deployment: Deployment) -> list[Refusal]:
    """The refused transactions of a block at our contracts. Raises SourceError and what ChainClient raises."""
    found = []
    for receipt in block.receipts:
        contract = None if receipt.succeeded or receipt.to is None else deployment.name_of(receipt.to)
        if contract is not None:
            found.append(_refusal(client, block, receipt, contract))
    return found


def _refusal(client: ChainClient, block: Block, receipt: Receipt, contract: Contract) -> Refusal:
    call = client.mined_call(receipt.transaction_hash)
    if call is None or (call.sender, call.to) != (receipt.sender, receipt.to):
        raise SourceError(f"block {block.number}: the node does not tell the transaction of its own receipt")
    cause = "Refused"
    args: tuple[Argument, ...] = (Argument("rule", receipt.refused or ""),)
    if receipt.refused is None:
        data = receipt.revert_data
        if data is None and (data := client.revert_data(receipt.transaction_hash)) is None:
            raise SourceError(f"block {block.number}: the node does not know a transaction of its own block")
        revert = decode_revert(data)
        cause, args = revert.name, tuple(Argument(name, text(value)) for name, value in revert.args)
    return Refusal(
        receipt.transaction_hash,
        receipt.transaction_index,
        Moment(block.number, block.header.timestamp),
        receipt.sender,
        contract.value,
        _selectors(contract).get(call.data[:4], "unknown"),
        cause,
        args,
    )


def text(value: object) -> str:
    """A decoded value as a text."""
    return data_hex(value) if isinstance(value, bytes) else str(value)


@cache
def _selectors(contract: Contract) -> dict[bytes, str]:
    found = {}
    for each in artifact(contract.value).abi:
        if each["type"] == "function":
            signature = f"{each['name']}({','.join(abi_type(part) for part in each['inputs'])})"
            found[keccak256(signature.encode())[:4]] = str(each["name"])
    return found
