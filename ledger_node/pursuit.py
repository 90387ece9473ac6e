"""What is done about an act once it is stored: broadcast, looked for, sent again, paid more for, cancelled.

An act's transactions share its nonce, so the chain takes one of them. It is sent with another nonce only after the
transaction that took the old one was found in a final block and seen to be another act (docs/decisions/0016).
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from ledger_node.chain_values import AnswerError, MinedCall, Receipt
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.fees import GasPolicy
from ledger_node.headers import Header
from ledger_node.hexvalues import data_hex
from ledger_node.nonces import Nonces, user_of_nonce
from ledger_node.outbox_store import Act, Kind, OutboxStore, Status, Version
from ledger_node.signing import TransactionSigner
from ledger_node.transactions import DynamicFee, Transaction, read_raw, transaction_hash

UNANSWERED = (ChainUnavailable, RpcError, AnswerError)
_KNOWN = ("already known", "known transaction", "alreadyknown", "already imported")
_PASSING = (
    "txpool is full",
    "rate limit",
    "too many requests",
    "timeout",
    "timed out",
    "internal error",
    "underpriced",
    "base fee",
)
_CANCEL_GAS = 21_000
_LOGGER = logging.getLogger("outbox")


@dataclass(frozen=True, slots=True)
class View:
    """One node's chain at one look: the account's next nonce, the newest block's number and base fee in wei."""

    client: ChainClient
    used: int
    head: int
    base_fee: int


class Pursuit:
    """Follows the acts of one outbox. The caller holds `lock` around everything but `broadcast`, which takes it."""

    def __init__(
        self,
        client: ChainClient,
        signer: TransactionSigner,
        store: OutboxStore,
        nonces: Nonces,
        lock: threading.RLock,
        *,
        policy: GasPolicy,
        finality: int,
        resend_after: float,
        clock: Callable[[], float],
    ) -> None:
        """`finality` in blocks, `resend_after` in seconds, `clock` in seconds since 1970."""
        self._client = client
        self._signer = signer
        self._store = store
        self._nonces = nonces
        self._lock = lock
        self._policy = policy
        self._finality = finality
        self._resend_after = resend_after
        self._clock = clock
        self._base_fee, self._based_at = 0, float("-inf")
        self._heard: dict[int, float] = {}
        self._taken: set[int] = set()

    def first_version(self, chain_id: int, nonce: int, to: bytes | None, data: bytes, gas: int, value: int) -> Version:
        """The first transaction of an act, at the fee that is offered now. Raises TransactionError, SignerError."""
        if isinstance(self._policy.fee, DynamicFee) and self._clock() - self._based_at > self._resend_after:
            with suppress(*UNANSWERED):
                self._based(self._client.block().header)
        fee = self._policy.offered(self._base_fee)
        return self._version(Transaction(chain_id, nonce, to, data, gas, fee, value), Kind.ACT)

    def began(self, act: Act) -> None:
        """Note that whoever leased the act broadcasts it now."""
        self._heard[act.id] = self._clock()

    def view(self) -> View:
        """The chain as one node has it now. Raises ChainUnavailable, RpcError, AnswerError."""
        client = self._client.pinned()
        used = client.nonce(self._signer.address)
        header = client.block().header
        self._nonces.seen(used)
        self._based(header)
        return View(client, used, header.number, self._base_fee)

    def broadcast(self, act: Act, first: bool = False) -> Act:
        """Hand the newest transaction of an act to a node. Only a clear no to its first broadcast refuses it."""
        with self._lock:
            versions = _own(self._store.versions(act))
            self._heard[act.id] = self._clock()
        try:
            self._client.send_raw(versions[-1].raw)
            self._taken.add(act.id)
        except RpcError as error:
            with suppress(*UNANSWERED):
                if len(versions) == 1 and self._is_clear_no(versions[0], error.message.lower()):
                    sure = first and len(self._client.endpoints()) == 1
                    with self._lock:
                        found = self._store.find(act.key)
                        return self._refuse(act, error.message, sure=sure) if found == act else found or act
        except (ChainUnavailable, AnswerError):
            pass
        return act

    def look(self, act: Act, view: View) -> Act:
        """The act as this view of the chain shows it, kept; broadcasts what is due."""
        due = self._clock() - self._heard.get(act.id, float("-inf")) >= self._resend_after
        waits = act.nonce is not None and act.nonce >= view.used
        if waits and act.block_number is None and not due:
            return act
        versions, refusal = self._store.versions(act), None
        for version in versions:
            receipt = view.client.receipt(version.hash)
            if receipt is not None and receipt.refused is None:
                return self._note(act, version, receipt, view)
            refusal = receipt.refused if receipt is not None else refusal
        if refusal is not None and len(versions) == 1:
            return self._refuse(act, refusal, sure=True)
        if not waits:
            return self._lost(act, versions, view)
        status = act.status if act.refusal is not None else Status.SUBMITTED
        back = self._save(act, replace(act, status=status, settled=False, block_number=None, revert_data=None))
        return self._again(back, versions, view) if due else back

    def _again(self, act: Act, versions: list[Version], view: View) -> Act:
        newest = _own(versions)[-1]
        if act.id in self._taken and view.client.mined_call(newest.hash) is None:
            _LOGGER.warning("act %s: dropped: a node took it and knows it no longer; it is sent again", act.key)
            act = self._save(act, replace(act, drops=act.drops + 1))
        if self._clock() - newest.sent_at >= self._policy.bump_after:
            act = self._bump(act, newest, view)
        return self.broadcast(act)

    def _bump(self, act: Act, newest: Version, view: View) -> Act:
        """A higher fee for the same nonce, when it is this act's turn, or its cap is below what blocks ask."""
        transaction, _ = read_raw(newest.raw)
        fee = self._policy.raised(transaction.fee, view.base_fee)
        if fee is None or (act.nonce != view.used and transaction.fee.cap >= view.base_fee):
            return act
        _LOGGER.warning("act %s: stuck at nonce %s; it is sent again with a higher fee", act.key, act.nonce)
        return self._add_version(act, self._version(replace(transaction, fee=fee), newest.kind))

    def _is_clear_no(self, version: Version, words: str) -> bool:
        """Whether no node will take these bytes. After "nonce too low", `look` finds out who took the nonce."""
        if any(known in words for known in (*_KNOWN, *_PASSING, "nonce too low")):
            return False
        return self._client.mined_call(version.hash) is None

    def _refuse(self, act: Act, words: str, *, sure: bool) -> Act:
        """A node will not mine this act: give its nonce back, or use it for nothing.

        Unless it is `sure` that no node has the transaction, it may yet be mined; so the act is refused only once
        the transaction that cancels it is in a block.
        """
        if act.nonce is None or (act.nonce + 1 == self._store.next_nonce() and sure):
            return self._save(act, replace(act, status=Status.REFUSED, settled=True, nonce=None, refusal=words))
        status = Status.REFUSED if sure else Status.SUBMITTED
        first = self._store.versions(act)[0]
        transaction, sender = read_raw(first.raw)
        fee = transaction.fee if sure else self._policy.raised(transaction.fee, self._base_fee) or transaction.fee
        nothing = Transaction(transaction.chain_id, act.nonce, sender, b"", _CANCEL_GAS, fee)
        cancelled = replace(act, status=status, refusal=words)
        return self.broadcast(self._add_version(cancelled, self._version(nothing, Kind.CANCEL)))

    def _note(self, act: Act, version: Version, receipt: Receipt, view: View) -> Act:
        settled = view.head - receipt.block_number >= self._finality
        noted = replace(
            act,
            settled=settled,
            block_number=receipt.block_number,
            transaction_hash=receipt.transaction_hash,
            gas_used=receipt.gas_used,
        )
        if version.kind is Kind.CANCEL:
            return self._save(act, replace(noted, status=Status.REFUSED))
        noted = replace(noted, refusal=None)
        if receipt.succeeded:
            status = Status.FINAL if settled else Status.INCLUDED
            return self._save(act, replace(noted, status=status, contract=receipt.contract))
        data = act.revert_data if act.revert_data is not None else view.client.revert_data(receipt.transaction_hash)
        return self._save(act, replace(noted, status=Status.REFUSED, revert_data=data or b""))

    def _lost(self, act: Act, versions: list[Version], view: View) -> Act:
        """The account's nonce has passed the act's and none of its transactions is in a block: find out why."""
        final = view.head - self._finality
        if act.nonce is None or final < 0:
            return act
        found = user_of_nonce(view.client, self._signer.address, act.nonce, final)
        if found is None or found[0] in [version.hash for version in versions]:
            return act
        hash_, taker = found
        transaction, _ = read_raw(versions[0].raw)
        if _is_same(transaction, taker):
            _LOGGER.warning("act %s: was done by transaction %s, sent elsewhere", act.key, data_hex(hash_))
            return self._add_version(act, Version(hash_, b"", Kind.FOREIGN, self._clock()))
        _LOGGER.warning("act %s: transaction %s took its nonce %s", act.key, data_hex(hash_), act.nonce)
        if act.refusal is not None or transaction.to is None:
            words = act.refusal or f"transaction {data_hex(hash_)} took its nonce, and with it the contract's address"
            refused = replace(act, status=Status.REFUSED, settled=True, refusal=words, replaced_by=hash_)
            return self._save(act, refused)
        moved = replace(act, nonce=self._nonces.next(), replaced_by=hash_, status=Status.SUBMITTED, block_number=None)
        fee = self._policy.offered(view.base_fee)
        version = self._version(replace(transaction, nonce=moved.nonce or 0, fee=fee), Kind.ACT)
        return self.broadcast(self._add_version(moved, version))

    def _based(self, header: Header) -> None:
        self._base_fee, self._based_at = header.base_fee_per_gas or 0, self._clock()

    def _version(self, transaction: Transaction, kind: Kind) -> Version:
        raw = self._signer.sign_transaction(transaction)
        return Version(transaction_hash(raw), raw, kind, self._clock())

    def _add_version(self, act: Act, version: Version) -> Act:
        after = replace(act, transaction_hash=version.hash)
        self._store.add_version(after, version)
        self._taken.discard(act.id)
        return after

    def _save(self, before: Act, after: Act) -> Act:
        if after != before:
            self._store.save(after)
        return after


def _own(versions: list[Version]) -> list[Version]:
    return [version for version in versions if version.kind is not Kind.FOREIGN]


def _is_same(ours: Transaction, theirs: MinedCall) -> bool:
    return (ours.to, ours.data, ours.value) == (theirs.to, theirs.data, theirs.value)
