"""Sending: one writer a key, each intended act at most once on the chain, whatever stops in between.

The order is always: lease the nonce and store the signed bytes in one commit, then broadcast. After a restart the
same bytes are broadcast again; a node that knows them says so, and no second transaction comes into being.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_node.abi import RevertCause, decode_revert
from ledger_node.chain_values import AnswerError, Receipt
from ledger_node.client import CallReverted, ChainClient, ChainUnavailable, RpcError
from ledger_node.hashing import sha256
from ledger_node.hexvalues import data_hex
from ledger_node.keys import Signer
from ledger_node.outbox_store import Act, OutboxLocked, OutboxMismatch, OutboxStore, Status
from ledger_node.rlp_strict import encode, scalar
from ledger_node.transactions import NO_FEE, DynamicFee, Fee, Transaction, transaction_hash

__all__ = ["ActConflict", "ActRefused", "GasPolicy", "Outbox", "OutboxLocked", "OutboxMismatch", "Sent", "Status"]
_KNOWN = ("already known", "known transaction", "alreadyknown", "already imported")
_PASSING = ("txpool is full", "rate limit", "too many requests", "timeout", "timed out", "internal error")
_FILLER = "filler/"
_FILLER_GAS = 21_000


class ActConflict(Exception):
    """The key was used before for an act that asks for something else."""


class ActRefused(Exception):
    """The act would fail now, so it was not sent; `cause` names the contract's error."""

    def __init__(self, cause: RevertCause) -> None:
        super().__init__(f"refused: {cause}")
        self.cause = cause


class ActPending(Exception):
    """The act was sent and is not settled within the time given; it goes on."""


@dataclass(frozen=True, slots=True)
class GasPolicy:
    """What is offered for gas, and how much is added in percent to an estimate of it."""

    fee: Fee = NO_FEE
    margin: int = 25

    @classmethod
    def of_chain(cls, client: ChainClient, tip: int = 1) -> "GasPolicy":
        """No fee where the newest block asks for none, else twice its base fee and `tip` wei."""
        base = client.block().header.base_fee_per_gas
        return cls(DynamicFee(2 * base + tip, tip)) if base else cls()


@dataclass(frozen=True, slots=True)
class Sent:
    """An act and how far it is. `cause` is set when it is refused; `contract` when it created one."""

    key: str
    status: Status
    transaction_hash: bytes
    nonce: int | None
    block_number: int | None
    contract: bytes | None
    gas_used: int | None
    cause: RevertCause | None


class Outbox:
    """The only writer of one account on one chain. May be used by several threads."""

    def __init__(
        self,
        path: Path,
        client: ChainClient,
        signer: Signer,
        *,
        policy: GasPolicy | None = None,
        finality: int = 0,
        resend_after: float = 5.0,
    ) -> None:
        """Open or make the file at `path` and broadcast again what is not yet in a block.

        `finality`: blocks on top of one until it is final. `resend_after`: seconds. Raises OutboxLocked,
        OutboxMismatch, ChainUnavailable (the chain must say once which one it is).
        """
        self._client = client
        self._signer = signer
        self._policy = policy or GasPolicy()
        self._finality = finality
        self._resend_after = resend_after
        self._chain_id = client.chain_id()
        chain = encode([scalar(self._chain_id), client.block(0).hash])
        self._store = OutboxStore(path, chain, signer.address)
        self._lock = threading.RLock()
        self._heard: dict[int, float] = {}
        self.step()

    def close(self) -> None:
        """Let another process write; what was sent goes on by itself."""
        with self._lock:
            self._store.close()

    def submit(self, key: str, to: bytes | None, data: bytes, *, gas: int | None = None, value: int = 0) -> Sent:
        """Send an act under the caller's `key`, once: the same key again returns the same act and sends nothing.

        With `gas` the transaction is sent whatever it will do; without, its gas is estimated, and an act that would
        fail now raises ActRefused and leaves nothing behind. While the node does not answer the act stays
        submitted and `step` broadcasts it. Raises ActConflict; ChainUnavailable only when nothing was stored.
        """
        digest = sha256(encode([to or b"", scalar(value), data]))
        with self._lock:
            act = self._known(key, digest)
            if act is not None:
                return _sent(act)
            limit = gas if gas is not None else self._estimate(to, data)
            return _sent(self._send(key, digest, self._lease(), to, data, limit, value))

    def find(self, key: str) -> Sent | None:
        """The act of that key as it stood at the last look at the chain."""
        with self._lock:
            act = self._store.find(key)
        return None if act is None else _sent(act)

    def pending(self) -> tuple[Sent, ...]:
        """The acts that are not settled, by nonce."""
        with self._lock:
            return tuple(_sent(act) for act in self._store.unsettled())

    def step(self) -> tuple[Sent, ...]:
        """Look at the chain once: note what happened to each act, broadcast again what it does not know.

        Returns the acts that changed. A node that does not answer leaves the rest as it was.
        """
        changed: list[Act] = []
        with self._lock, suppress(ChainUnavailable, RpcError):
            acts = self._store.unsettled()
            used = self._client.nonce(self._signer.address) if acts else 0
            head = self._client.block_number() if acts else 0
            for act in acts:
                after = self._look(act, used, head)
                if after != act:
                    changed.append(after)
        return tuple(_sent(act) for act in changed)

    def wait(self, key: str, timeout: float = 60.0, *, pause: Callable[[float], None] = time.sleep) -> Sent:
        """The act of that key once it is final or refused. Raises ActPending after `timeout` seconds, KeyError."""
        deadline = time.monotonic() + timeout
        delay = 0.02
        while True:
            with self._lock:
                act = self._store.find(key)
            if act is None:
                raise KeyError(key)
            if act.settled:
                return _sent(act)
            if time.monotonic() > deadline:
                raise ActPending(f"act {key}: is {act.status.value} after {timeout:g} s")
            self.step()
            pause(delay)
            delay = min(delay * 1.5, 0.5)

    def _known(self, key: str, digest: bytes) -> Act | None:
        act = self._store.find(key)
        if act is not None and act.digest != digest:
            raise ActConflict(f"act {key}: was another act before")
        return act

    def _estimate(self, to: bytes | None, data: bytes) -> int:
        try:
            needed = self._client.estimate_gas(to, data, sender=self._signer.address)
        except CallReverted as error:
            raise ActRefused(decode_revert(error.data)) from None
        return needed + needed * self._policy.margin // 100

    def _lease(self) -> int:
        """The next nonce: after our own, and after whatever the account has sent before this outbox was made."""
        ours = self._store.next_nonce()
        theirs = self._client.nonce(self._signer.address)
        return theirs if ours is None else max(ours, theirs)

    def _send(self, key: str, digest: bytes, nonce: int, to: bytes | None, data: bytes, gas: int, value: int) -> Act:
        transaction = Transaction(self._chain_id, nonce, to, data, gas, self._policy.fee, value)
        raw = self._signer.sign_transaction(transaction)
        act = self._store.add(key, digest, nonce, transaction_hash(raw), raw)
        return self._broadcast(act)

    def _broadcast(self, act: Act) -> Act:
        """Hand the newest bytes of an act to the node. Only a clear no of the node refuses it."""
        _, raw = self._store.raws(act)[-1]
        self._heard[act.id] = time.monotonic()
        try:
            self._client.send_raw(raw)
        except RpcError as error:
            with suppress(ChainUnavailable, RpcError):
                if self._is_clear_no(act, error.message.lower()):
                    return self._refuse(act, error.message)
        except (ChainUnavailable, AnswerError):
            pass
        return act

    def _is_clear_no(self, act: Act, words: str) -> bool:
        """Whether the node will never take these bytes. After "nonce too low", `step` finds out who took the nonce."""
        if act.key.startswith(_FILLER) or any(known in words for known in (*_KNOWN, *_PASSING, "nonce too low")):
            return False
        return not self._is_known(act)

    def _is_known(self, act: Act) -> bool:
        return any(self._client.mined_call(hash_) is not None for hash_, _ in self._store.raws(act))

    def _refuse(self, act: Act, words: str) -> Act:
        """The chain will never mine this act: give its nonce back, or fill the gap below later ones."""
        nonce, last = act.nonce, self._store.next_nonce()
        refused = replace(act, status=Status.REFUSED, settled=True, nonce=None, refusal=words)
        self._store.save(refused)
        if nonce is not None and last is not None and nonce + 1 < last:
            key = f"{_FILLER}{nonce}/{data_hex(act.transaction_hash)}"
            self._send(key, sha256(key.encode()), nonce, self._signer.address, b"", _FILLER_GAS, 0)
        return refused

    def _look(self, act: Act, used: int, head: int) -> Act:
        due = time.monotonic() - self._heard.get(act.id, float("-inf")) >= self._resend_after
        if act.nonce is not None and act.nonce >= used and act.status is Status.SUBMITTED and not due:
            return act
        for hash_, _ in self._store.raws(act):
            receipt = self._client.receipt(hash_)
            if receipt is not None:
                return self._note(act, receipt, head)
        if act.nonce is not None and used > act.nonce:
            return self._save(
                act, replace(act, status=Status.REFUSED, settled=True, refusal="another transaction took its nonce")
            )
        waiting = self._save(act, replace(act, status=Status.SUBMITTED, block_number=None, revert_data=None))
        return self._broadcast(waiting) if due else waiting

    def _note(self, act: Act, receipt: Receipt, head: int) -> Act:
        if receipt.refused is not None:
            return act if act.key.startswith(_FILLER) else self._refuse(act, receipt.refused)
        settled = head - receipt.block_number >= self._finality
        noted = replace(
            act,
            settled=settled,
            block_number=receipt.block_number,
            transaction_hash=receipt.transaction_hash,
            gas_used=receipt.gas_used,
        )
        if receipt.succeeded:
            status = Status.FINAL if settled else Status.INCLUDED
            return self._save(act, replace(noted, status=status, contract=receipt.contract))
        data = act.revert_data if act.revert_data is not None else self._client.revert_data(receipt.transaction_hash)
        return self._save(act, replace(noted, status=Status.REFUSED, revert_data=data or b""))

    def _save(self, before: Act, after: Act) -> Act:
        if after != before:
            self._store.save(after)
        return after


def _sent(act: Act) -> Sent:
    cause = None
    if act.refusal is not None:
        cause = RevertCause("RefusedByNode", (("words", act.refusal),))
    elif act.status is Status.REFUSED:
        cause = decode_revert(act.revert_data or b"")
    return Sent(
        key=act.key,
        status=act.status,
        transaction_hash=act.transaction_hash,
        nonce=act.nonce,
        block_number=act.block_number,
        contract=act.contract,
        gas_used=act.gas_used,
        cause=cause,
    )
