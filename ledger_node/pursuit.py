"""What is done about an act once it is stored: broadcast, looked for, sent again, paid more for, cancelled.

An act's transactions share its nonce, so the chain takes one of them. It is sent with another nonce only after the
transaction that took the old one was found in a final block and seen to be another act (docs/decisions/0016).
"""

import dataclasses
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from msgspec.structs import replace

from ledger_node.chain_values import AnswerError, MinedCall
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.fees import GasPolicy
from ledger_node.finality import newest_final
from ledger_node.headers import Header
from ledger_node.hexvalues import data_hex
from ledger_node.nonces import Nonces
from ledger_node.outbox_store import Act, Kind, OutboxStore, Status, Version
from ledger_node.sights import Sight, View, block_hashes, handed_in, own, sights_of
from ledger_node.signing import SignerError, TransactionSigner
from ledger_node.transactions import DynamicFee, Transaction, read_raw, transaction_hash

UNANSWERED = (ChainUnavailable, RpcError, AnswerError)
_KNOWN = ("already known", "known transaction", "alreadyknown", "already imported")
# What no node takes, now or later, in the words of geth, Besu and the embedded ledger. Whatever else is said, by a node
# or by what stands before it, may pass, and the transaction may have been taken all the same.
_FOR_GOOD = (
    "insufficient funds",
    "upfront cost exceeds",
    "intrinsic gas",
    "exceeds block gas limit",
    "exceeds the configured cap",
    "malformed transaction",
    "transaction type not supported",
    "invalid transaction type",
    "oversized data",
    "max initcode size exceeded",
    "replay-protected",
    "invalid chain id",
    "wrong chainid",
    "invalid sender",
    "invalid signature",
    "sender account not authorized",
    "nonce has max value",
)
_NOTHING_GAS = 21_000
_SHOWN = 200
_FILLED_AT_ONCE = 64
_LOGGER = logging.getLogger("outbox")


class Pursuit:
    """Follows the acts of one outbox.

    It asks nodes without `lock` and writes with it, each act only if it is what it was before the node was asked. The
    caller holds `lock` around `first_version`, `nothing` and `began`.
    """

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
        self._blocks: dict[int, bytes] = {}
        self._gap: tuple[int, float] | None = None

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

    def broadcast(self, acts: Sequence[Act], first: Mapping[int, Version] | None = None) -> list[Act]:
        """Hand the newest transaction of each act to a node. Only a clear no to its first broadcast refuses an act.

        `first`: the only transaction of each act that nobody has handed in before, by the act's id.
        """
        with self._lock:
            known = {id_: [version] for id_, version in (first or {}).items()}
            versions = known or (self._store.versions_of(acts) if self._store.is_open else {})
            self._heard.update((act.id, self._clock()) for act in acts)
        newest = [own(versions[act.id])[-1] for act in acts if act.id in versions]
        try:
            answers = handed_in(self._client, [each.raw for each in newest]) if newest else []
        except UNANSWERED:
            return list(acts)
        self._taken.update(act.id for act, refusal in zip(acts, answers, strict=False) if refusal is None)
        after, cancelled = list(acts), list[Act]()
        for at, refusal in enumerate(answers):
            if refusal is not None and len(own(versions[acts[at].id])) == 1:
                after[at] = self._declined(acts[at], newest[at], refusal.message, bool(first))
                if after[at].transaction_hash != newest[at].hash:
                    cancelled.append(after[at])
        if cancelled:
            self.broadcast(cancelled)
        return after

    def _declined(self, act: Act, version: Version, words: str, first: bool) -> Act:
        """The act after a node's no to its only transaction: one that is not for good leaves it to the next look.

        After "nonce too low", that look finds out who took the nonce.
        """
        if not any(known in words.lower() for known in _FOR_GOOD):
            if not any(known in words.lower() for known in _KNOWN):
                _LOGGER.warning("act %s: not taken yet: %s", act.key, words[:_SHOWN])
            return act
        with suppress(*UNANSWERED):
            if self._client.mined_call(version.hash) is None:
                sure = first and len(self._client.endpoints()) == 1
                with self._lock:
                    found = self._store.find(act.key) if self._store.is_open else act
                    return self._refuse(act, words, sure=sure) if found == act else found or act
        return act

    def look(self, acts: Sequence[Act], view: View) -> list[Act]:
        """The acts that this view of the chain shows changed, kept; hands in again what is due."""
        now = self._clock()
        due = {act.id for act in acts if now - self._heard.get(act.id, float("-inf")) >= self._resend_after}
        settled = self._deeper([act for act in acts if act.id in self._blocks], view)
        staying = {act.id for act, _ in settled}
        looked = [
            act
            for act in acts
            if act.id not in staying and (view.passed(act) or act.block_number is not None or act.id in due)
        ]
        with self._lock:
            versions = self._store.versions_of(looked) if self._store.is_open else {act.id: [] for act in looked}
        looked = [act for act in looked if versions[act.id]]
        sights = sights_of(looked, versions, view, self._signer.address, newest_final(view.head, self._finality))
        seen = [(act, self._noted(act, sights[act.id], view)) for act in looked if sights[act.id].receipt is not None]
        changed = self._keep([*settled, *seen])
        unseen = [act for act in looked if sights[act.id].receipt is None]
        again: list[Act] = []
        for act in unseen:
            with self._lock:
                if self._store.is_open and self._store.find(act.key) == act:
                    after, is_to_send = self._unseen(act, versions[act.id], sights[act.id], view, act.id in due)
                    changed += [after] if after != act else []
                    again += [after] if is_to_send else []
        if again:
            self.broadcast(again)
        return changed

    def gap(self, acts: Sequence[Act], view: View) -> Sequence[int]:
        """Nonces that the acts wait for and nobody uses: what had used them fell out of the chain with its block.

        Only what was missing for as long as an act may be stuck; nonces that were leased here are not missing, a node
        that does not know of their use is behind.
        """
        waiting = [act.nonce for act in acts if act.nonce is not None and act.nonce >= view.used]
        if not waiting or min(waiting) == view.used:
            self._gap = None
            return ()
        if self._gap is None or self._gap[0] != view.used:
            self._gap = view.used, self._clock()
        if self._clock() - self._gap[1] < self._policy.bump_after:
            return ()
        with self._lock:
            leased = self._store.leased(view.used, min(waiting)) if self._store.is_open else set(waiting)
        return [] if leased else range(view.used, min(waiting))[:_FILLED_AT_ONCE]

    def nothing(self, chain_id: int, nonce: int) -> Version:
        """A transaction that only uses a nonce. Needs the lock. Raises SignerError."""
        return self.first_version(chain_id, nonce, self._signer.address, b"", _NOTHING_GAS, 0)

    def _deeper(self, acts: Sequence[Act], view: View) -> list[tuple[Act, Act]]:
        """The acts whose block is still of the chain, without their receipts, and what they are at its depth now."""
        numbers = {act.block_number for act in acts if act.block_number is not None and act.block_number <= view.head}
        hashes = block_hashes(view.client, numbers)
        found: list[tuple[Act, Act]] = []
        for act in acts:
            if act.block_number in hashes and hashes[act.block_number] == self._blocks[act.id]:
                settled = act.block_number <= newest_final(view.head, self._finality)
                status = Status.FINAL if settled and act.status is Status.INCLUDED else act.status
                found.append((act, replace(act, settled=settled, status=status)))
        return found

    def _keep(self, pairs: Sequence[tuple[Act, Act]]) -> list[Act]:
        """Write what has changed in one commit, unless an act was changed meanwhile."""
        with self._lock:
            if not self._store.is_open or all(before == after for before, after in pairs):
                return []
            now = {act.id: act for act in self._store.unsettled()}
            changed = [after for before, after in pairs if before != after and now.get(before.id) == before]
            self._store.save(*changed)
        for act in changed:
            if act.settled:
                self._forget(act.id)
        return changed

    def _forget(self, id_: int) -> None:
        self._blocks.pop(id_, None)
        self._heard.pop(id_, None)
        self._taken.discard(id_)

    def _unseen(
        self, act: Act, versions: Sequence[Version], sight: Sight, view: View, is_due: bool
    ) -> tuple[Act, bool]:
        """An act of which no transaction is in a block: what becomes of it, and whether it is to be handed in."""
        self._blocks.pop(act.id, None)
        if sight.refused is not None and len(versions) == 1:
            after = self._refuse(act, sight.refused, sure=True)
            return after, after.transaction_hash != act.transaction_hash
        if view.passed(act):
            after = self._lost(act, versions, sight, view)
            return after, after.nonce != act.nonce
        status = act.status if act.refusal is not None else Status.SUBMITTED
        back = self._save(act, replace(act, status=status, settled=False, block_number=None, revert_data=None))
        if not is_due:
            return back, False
        self._heard[act.id] = self._clock()
        after = self._again(back, versions, sight, view)
        return after, not sight.is_known or after.transaction_hash != back.transaction_hash

    def _again(self, act: Act, versions: Sequence[Version], sight: Sight, view: View) -> Act:
        if act.id in self._taken and not sight.is_known:
            _LOGGER.warning("act %s: dropped: a node took it and knows it no longer; it is sent again", act.key)
            act = self._save(act, replace(act, drops=act.drops + 1))
        newest = own(versions)[-1]
        if self._clock() - newest.sent_at >= self._policy.bump_after:
            with suppress(SignerError):
                return self._bump(act, newest, view)
        return act

    def _bump(self, act: Act, newest: Version, view: View) -> Act:
        """A higher fee for the same nonce, when it is this act's turn, or its cap is below what blocks ask."""
        transaction, _ = read_raw(newest.raw)
        fee = self._policy.raised(transaction.fee, view.base_fee)
        if fee is None or (act.nonce != view.used and transaction.fee.cap >= view.base_fee):
            return act
        _LOGGER.warning("act %s: stuck at nonce %s; it is sent again with a higher fee", act.key, act.nonce)
        return self._add_version(act, self._version(dataclasses.replace(transaction, fee=fee), newest.kind))

    def _refuse(self, act: Act, words: str, *, sure: bool) -> Act:
        """A node will not mine this act: give its nonce back, or use it for nothing.

        Unless it is `sure` that no node has the transaction, it may yet be mined; so the act is refused only once
        the transaction that cancels it is in a block. That one is kept here; the caller hands it in.
        """
        if act.nonce is None or (act.nonce + 1 == self._store.next_nonce() and sure):
            return self._save(act, replace(act, status=Status.REFUSED, settled=True, nonce=None, refusal=words))
        status = Status.REFUSED if sure else Status.SUBMITTED
        first = self._store.versions(act)[0]
        transaction, sender = read_raw(first.raw)
        fee = transaction.fee if sure else self._policy.raised(transaction.fee, self._base_fee) or transaction.fee
        nothing = Transaction(transaction.chain_id, act.nonce, sender, b"", _NOTHING_GAS, fee)
        cancelled = replace(act, status=status, refusal=words)
        return self._add_version(cancelled, self._version(nothing, Kind.CANCEL))

    def _noted(self, act: Act, sight: Sight, view: View) -> Act:
        """An act of which a transaction is in a block."""
        version, receipt = sight.version, sight.receipt
        if version is None or receipt is None:
            return act
        self._blocks[act.id] = receipt.block_hash
        settled = receipt.block_number <= newest_final(view.head, self._finality)
        noted = {
            "settled": settled,
            "block_number": receipt.block_number,
            "transaction_hash": receipt.transaction_hash,
            "gas_used": receipt.gas_used,
        }
        if version.kind is Kind.CANCEL:
            return replace(act, status=Status.REFUSED, **noted)
        if receipt.succeeded:
            status = Status.FINAL if settled else Status.INCLUDED
            return replace(act, status=status, refusal=None, contract=receipt.contract, **noted)
        return replace(act, status=Status.REFUSED, refusal=None, revert_data=sight.revert_data, **noted)

    def _lost(self, act: Act, versions: Sequence[Version], sight: Sight, view: View) -> Act:
        """The account's nonce has passed the act's and none of its transactions is in a block: find out why."""
        if sight.taker is None or sight.taker[0] in [version.hash for version in versions]:
            return act
        hash_, taker = sight.taker
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
        version = self._version(dataclasses.replace(transaction, nonce=moved.nonce or 0, fee=fee), Kind.ACT)
        return self._add_version(moved, version)

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


def _is_same(ours: Transaction, theirs: MinedCall) -> bool:
    return (ours.to, ours.data, ours.value) == (theirs.to, theirs.data, theirs.value)
