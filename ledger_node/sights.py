"""What one node shows of acts that were sent, asked for together: the block, the failure, who took the nonce."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ledger_node.batches import Call
from ledger_node.chain_values import AnswerError, MinedCall, Receipt, read_block, read_receipt_of
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.hexvalues import data_hex
from ledger_node.nonces import user_of_nonce
from ledger_node.outbox_store import Act, Kind, Version
from ledger_node.values import Value

MANY = 4
"""From so many acts on that may be in one block, the receipts of the block are asked for together."""


@dataclass(frozen=True, slots=True)
class View:
    """One node's chain at one look: the account's next nonce, the newest block's number and base fee in wei."""

    client: ChainClient
    used: int
    head: int
    base_fee: int

    def passed(self, act: Act) -> bool:
        """Whether the account has used the act's nonce, or the act has none."""
        return act.nonce is None or act.nonce < self.used


class Sight(Value, frozen=True):
    """An act as a node shows it.

    `version` is its transaction that is in a block, `receipt` the outcome and `revert_data` what a failure returned.
    `refused` is the ledger's rule against a transaction that it had accepted. `is_known`: the node has its newest
    transaction. `taker` is the account's transaction in a final block that has its nonce.
    """

    version: Version | None = None
    receipt: Receipt | None = None
    revert_data: bytes = b""
    refused: str | None = None
    is_known: bool = True
    taker: tuple[bytes, MinedCall] | None = None


def own(versions: Sequence[Version]) -> list[Version]:
    """The transactions that were signed here."""
    return [version for version in versions if version.kind is not Kind.FOREIGN]


def sights_of(
    acts: Sequence[Act], versions: Mapping[int, Sequence[Version]], view: View, address: bytes, final: int
) -> dict[int, Sight]:
    """What the node of a view shows of acts of the account, by id; `versions` are each act's transactions.

    `final` is the number of the newest final block. Raises ChainUnavailable, RpcError, AnswerError.
    """
    mined = [each.hash for act in acts if view.passed(act) for each in versions[act.id]]
    receipts: dict[bytes, Receipt | None] = {**_receipts_by_blocks(view.client, mined)}
    left = [each.hash for act in acts for each in versions[act.id] if each.hash not in receipts]
    receipts |= _receipts(view.client, left)
    found = {act.id: _sight(view.client, act, versions[act.id], receipts) for act in acts}
    unseen = [act for act in acts if found[act.id].receipt is None]
    newest = [own(versions[act.id])[-1].hash for act in unseen]
    known = _are_known(view.client, newest)
    for act in unseen:
        taker = None
        if act.nonce is not None and view.passed(act) and final >= 0:
            taker = user_of_nonce(view.client, address, act.nonce, final)
        is_known = known[own(versions[act.id])[-1].hash]
        found[act.id] = Sight(refused=found[act.id].refused, is_known=is_known, taker=taker)
    return found


def block_hashes(client: ChainClient, numbers: set[int]) -> dict[int, bytes]:
    """The hashes of the blocks of the node's chain that have these numbers."""
    in_order = sorted(numbers)
    calls = [Call("eth_getBlockByNumber", (hex(number), False)) for number in in_order]
    answers = client.request_in_parts(calls, or_singly=True)
    return {number: read_block(_granted(told)).hash for number, told in zip(in_order, answers, strict=True)}


def handed_in(client: ChainClient, raws: Sequence[bytes]) -> list[RpcError | None]:
    """Hand signed transactions to a node; the refusal of each that it refuses. Raises ChainUnavailable, AnswerError."""
    if len(raws) == 1:
        try:
            client.send_raw(raws[0])
        except RpcError as error:
            return [error]
        return [None]
    answers = _together(client, "eth_sendRawTransaction", raws)
    return [answer if isinstance(answer, RpcError) else None for answer in answers]


def _sight(
    client: ChainClient, act: Act, versions: Sequence[Version], receipts: Mapping[bytes, Receipt | None]
) -> Sight:
    refused = None
    for version in versions:
        receipt = receipts[version.hash]
        if receipt is not None and receipt.refused is None:
            asked = not receipt.succeeded and version.kind is not Kind.CANCEL and act.revert_data is None
            data = client.revert_data(version.hash) if asked else act.revert_data
            return Sight(version, receipt, data or b"")
        refused = receipt.refused if receipt is not None else refused
    return Sight(refused=refused)


def _receipts_by_blocks(client: ChainClient, hashes: Sequence[bytes]) -> dict[bytes, Receipt]:
    """Receipts of transactions of which many are in the same blocks, given in the order of their nonces.

    For the receipt of one transaction a node reads its whole block, so that many one by one cost it dear. Those in
    blocks that hold few of them are left out.
    """
    found: dict[bytes, Receipt] = {}
    left = list(hashes)
    while len(left) >= MANY:
        middle = client.receipt(left[len(left) // 2])
        together: list[Receipt] | None = None
        if middle is not None:
            with suppress(ChainUnavailable, RpcError, AnswerError):  # each is then asked for alone
                together = client.receipts_among(middle.block_number, left)
        if together is None or len(together) < MANY:
            break
        found |= {each.transaction_hash: each for each in together}
        left = [each for each in left if each not in found]
    return found


def _receipts(client: ChainClient, hashes: Sequence[bytes]) -> dict[bytes, Receipt | None]:
    answers = _together(client, "eth_getTransactionReceipt", hashes)
    return {hash_: read_receipt_of(hash_, _granted(told)) for hash_, told in zip(hashes, answers, strict=True)}


def _are_known(client: ChainClient, hashes: Sequence[bytes]) -> dict[bytes, bool]:
    answers = _together(client, "eth_getTransactionByHash", hashes)
    return {hash_: _granted(told) is not None for hash_, told in zip(hashes, answers, strict=True)}


def _together(client: ChainClient, method: str, each: Sequence[bytes]) -> list[Any]:
    """The results of requests for one thing each; an RpcError in place of a result."""
    return client.request_in_parts([Call(method, (data_hex(one),)) for one in each], or_singly=True)


def _granted(answer: Any) -> Any:
    """One of several results. Raises the RpcError with which the node refused it."""
    if isinstance(answer, RpcError):
        raise answer
    return answer
