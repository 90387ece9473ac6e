"""Sending: one writer a key, each intended act at most once on the chain, whatever stops in between.

The order is always: lease the nonce and store the signed bytes in one commit, then broadcast. After a restart the
same bytes are broadcast again; a node that knows them says so, and no second transaction comes into being. All
transactions of an act have its nonce, so that the chain takes one of them, until another one's is final there.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ledger_node.abi import RevertCause, decode_revert
from ledger_node.client import CallReverted, ChainClient
from ledger_node.fees import GasPolicy
from ledger_node.gathering import Gathering
from ledger_node.hashing import sha256
from ledger_node.nonces import Nonces
from ledger_node.outbox_store import Act, Leased, OutboxLocked, OutboxMismatch, OutboxStore, Status, Version
from ledger_node.pursuit import UNANSWERED, Pursuit
from ledger_node.rlp_strict import encode, scalar
from ledger_node.sending_status import OutboxStatus
from ledger_node.signing import SignerError, TransactionSigner
from ledger_node.transactions import TransactionError
from ledger_node.values import Value

__all__ = [
    "ActConflict",
    "ActPending",
    "ActRefused",
    "GasPolicy",
    "Outbox",
    "OutboxLocked",
    "OutboxMismatch",
    "Sent",
    "Status",
]


class ActConflict(Exception):
    """The key was used before for an act that asks for something else."""


class ActRefused(Exception):
    """The act would fail now, so it was not sent; `cause` names the contract's error."""

    def __init__(self, cause: RevertCause) -> None:
        super().__init__(f"refused: {cause}")
        self.cause = cause


class ActPending(Exception):
    """The act was sent and is not settled within the time given; it goes on."""


class Sent(Value, frozen=True):
    """An act and how far it is. `cause` is set when it is refused; `contract` when it created one.

    `transaction_hash` is the newest of its transactions, once it is in a block the one that is there. `drops`: how
    often a node forgot it; `replaced_by`: the other transaction that took a nonce of it, whatever came of the act.
    `settled`: nothing of this will change; until then an act that failed in a block may yet be done in another one.
    """

    key: str
    status: Status
    transaction_hash: bytes
    nonce: int | None
    block_number: int | None
    contract: bytes | None
    gas_used: int | None
    cause: RevertCause | None
    drops: int = 0
    replaced_by: bytes | None = None
    settled: bool = False


@dataclass(slots=True)
class _Wish:
    """An act that a thread wants sent; one thread serves all that wait: in one commit, then in one request."""

    key: str
    digest: bytes
    to: bytes | None
    data: bytes
    gas: int
    value: int
    act: Act | None = None
    error: Exception | None = None


class Outbox:
    """The only writer of one account on one chain. May be used by several threads."""

    def __init__(
        self,
        path: Path,
        client: ChainClient,
        signer: TransactionSigner,
        *,
        policy: GasPolicy | None = None,
        finality: int = 0,
        resend_after: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or make the file at `path` and broadcast again what is not yet in a block.

        `finality`: blocks on top of one until it is final. `resend_after`: seconds. `clock`: seconds since 1970.
        Raises OutboxLocked, OutboxMismatch, ChainUnavailable (the chain must say once which one it is).
        """
        self._client = client
        self._address = signer.address
        self._policy = policy or GasPolicy()
        self._clock = clock
        self._chain_id = client.chain_id()
        chain = encode([scalar(self._chain_id), client.block(0).hash])
        self._store = OutboxStore(path, chain, signer.address)
        self._lock = threading.RLock()
        self._looking = threading.Lock()
        self._closed = False
        self._wishes = Gathering(self._begin)
        self._nonces = Nonces(client, signer.address, self._store, clock, resend_after)
        self._pursuit = Pursuit(
            client,
            signer,
            self._store,
            self._nonces,
            self._lock,
            policy=self._policy,
            finality=finality,
            resend_after=resend_after,
            clock=clock,
        )
        self.step()

    def close(self) -> None:
        """Let another process write; what was sent goes on by itself."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._store.close()

    def submit(self, key: str, to: bytes | None, data: bytes, *, gas: int | None = None, value: int = 0) -> Sent:
        """Send an act under the caller's `key`, once: the same key again returns the same act and sends nothing.

        With `gas` the transaction is sent whatever it will do; without, its gas is estimated, and an act that would
        fail now raises ActRefused and leaves nothing behind. While the node does not answer the act stays
        submitted and `step` broadcasts it. Raises ActConflict; ChainUnavailable only when nothing was stored, and
        SignerError of a remote signer, likewise. Threads that submit at once share one commit and one request.
        """
        digest = sha256(encode([to or b"", scalar(value), data]))
        if gas is None:
            with self._lock:
                act = self._known(key, digest)
            if act is not None:
                return _sent(act)
            gas = self._estimate(to, data)
        wish = _Wish(key, digest, to, data, gas, value)
        self._wishes.have_served(wish)
        if wish.error is not None:
            raise wish.error
        if wish.act is None:
            raise LookupError(f"act {key}: the thread that served it ended")
        return _sent(wish.act)

    def find(self, key: str) -> Sent | None:
        """The act of that key as it stood at the last look at the chain."""
        with self._lock:
            act = self._store.find(key)
        return None if act is None else _sent(act)

    def key_of_next_try(self, key: str) -> str:
        """The key under which to send an act again that was refused: its own while it was not, else one with a number.

        An act that was refused keeps its key for good, and what it lacked then, as money, it may have now. Until its
        refusal is final it may yet be done, so that another one beside it might be one too many.
        """
        tried, asked = 1, key
        while (sent := self.find(asked)) is not None and sent.status is Status.REFUSED and sent.settled:
            tried += 1
            asked = f"{key}/{tried}"
        return asked

    def pending(self) -> tuple[Sent, ...]:
        """The acts that are not settled, by nonce."""
        with self._lock:
            return tuple(_sent(act) for act in self._store.unsettled())

    def status(self) -> OutboxStatus:
        """How the outbox stands, as it was at the last look at the chain."""
        with self._lock:
            return self._store.status(self._clock())

    def step(self) -> tuple[Sent, ...]:
        """Look at the chain once: note what happened to each act, broadcast again what it does not know.

        Returns the acts that changed. A node that does not answer leaves the rest as it was.
        """
        changed: list[Act] = []
        with self._looking, suppress(*UNANSWERED, SignerError):
            with self._lock:
                acts = [] if self._closed else self._store.unsettled()
            if acts:
                view = self._pursuit.view()
                changed = self._pursuit.look(acts, view)
                self._fill(self._pursuit.gap(acts, view))
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
            needed = self._client.estimate_gas(to, data, sender=self._address)
        except CallReverted as error:
            raise ActRefused(decode_revert(error.data)) from None
        return needed + needed * self._policy.margin // 100

    def _fill(self, nonces: Sequence[int]) -> None:
        """Use nonces for nothing, each by an act of its own, since the acts behind them would wait for ever."""
        with self._lock:
            if not nonces or self._closed:
                return
            now = self._clock()
            leased = [
                Leased(
                    f"nonce {each} missing at {now:.3f}", bytes(32), each, self._pursuit.nothing(self._chain_id, each)
                )
                for each in nonces
            ]
            acts = self._store.add(leased)
            for act in acts:
                self._pursuit.began(act)
        self._pursuit.broadcast(acts, {act.id: each.version for act, each in zip(acts, leased, strict=True)})

    def _begin(self, wishes: Sequence[_Wish]) -> Callable[[], None]:
        """Lease nonces to the acts that threads want, in one commit. What is left: to hand them to a node together."""
        with self._lock:
            leased = self._leased(wishes)
        return lambda: self._hand_in(leased)

    def _hand_in(self, leased: Sequence[tuple[_Wish, Act, Version]]) -> None:
        acts = self._pursuit.broadcast([act for _, act, _ in leased], {act.id: version for _, act, version in leased})
        for (wish, _, _), act in zip(leased, acts, strict=True):
            wish.act = act

    def _leased(self, wishes: Sequence[_Wish]) -> list[tuple[_Wish, Act, Version]]:
        """Those of the wishes whose acts are new, each with its act and its transaction. Needs the lock."""
        leased: dict[str, tuple[_Wish, Leased]] = {}
        twins: list[_Wish] = []
        for wish in wishes:
            try:
                if wish.key in leased:  # two threads want one act: the second finds it once it is stored
                    twins.append(wish)
                    continue
                wish.act = self._known(wish.key, wish.digest)
                if wish.act is None:
                    leased[wish.key] = wish, self._lease(wish, self._nonces.next() + len(leased))
            except (ActConflict, TransactionError, SignerError, *UNANSWERED) as error:
                wish.error = error
        acts = self._store.add([each for _, each in leased.values()])
        made = [(wish, act, each.version) for (wish, each), act in zip(leased.values(), acts, strict=True)]
        for wish, act, _ in made:
            wish.act = act
            self._pursuit.began(act)
        for wish in twins:
            try:
                wish.act = self._known(wish.key, wish.digest)
            except ActConflict as error:
                wish.error = error
        return made

    def _lease(self, wish: _Wish, nonce: int) -> Leased:
        version = self._pursuit.first_version(self._chain_id, nonce, wish.to, wish.data, wish.gas, wish.value)
        return Leased(wish.key, wish.digest, nonce, version)


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
        drops=act.drops,
        replaced_by=act.replaced_by,
        settled=act.settled,
    )
