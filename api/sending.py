"""Sending for the members of one process: one outbox a key, looked after in the background."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from api.acts.calls import Call
from api.keyring import Keyring, unsigned
from api.problems import ProblemError
from ledger_node.abi import RevertCause
from ledger_node.canonical_json import JsonValue
from ledger_node.chain_values import AnswerError
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.files import make_folder
from ledger_node.hexvalues import data_hex
from ledger_node.outbox import ActRefused, GasPolicy, Outbox, OutboxLocked, OutboxMismatch, Sent
from ledger_node.outbox_store import read_status
from ledger_node.sending_status import OutboxStatus
from ledger_node.signing import Signer, SignerError

_LOG = logging.getLogger("cangdan.api")
_FILE = "outbox-{}.db"
PAUSE = 0.5
"""Seconds between two looks at the chain while something is on its way."""


class Sending(Protocol):
    """What sends calls for members and knows what became of them."""

    def submit(self, entity: int, key: str, call: Call, gas: int | None) -> Sent:
        """Send a call under a key, once. Raises ProblemError when it would be refused now, or nothing can be sent."""

    def find(self, entity: int, key: str) -> Sent | None:
        """What became of the call of a key, as the chain has it now."""

    def statuses(self) -> dict[int, OutboxStatus]:
        """How the outbox of each member that ever sent does, by entity."""


class Outboxes:
    """The outboxes of all members, in files of `folder`. `addresses` gives a contract's address by its name."""

    def __init__(
        self,
        folder: Path,
        client: ChainClient,
        keyring: Keyring,
        addresses: Callable[[str], bytes],
        finality: int,
    ) -> None:
        self._folder = folder
        self._client = client
        self._keyring = keyring
        self._addresses = addresses
        self._finality = finality
        self._open: dict[int, Outbox] = {}
        self._opening: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def submit(self, entity: int, key: str, call: Call, gas: int | None) -> Sent:
        """Send a call under a key, once. Raises ProblemError act-refused with the cause, or that ledger or signer is
        unavailable; then nothing was kept or sent."""
        try:
            outbox = self._outbox(entity)
            return outbox.submit(key, self._addresses(call.contract), call.data(), gas=gas)
        except ActRefused as refusal:
            detail = f"the contracts refuse it: {refusal.cause}"
            raise ProblemError("act-refused", detail, extra={"cause": cause_json(refusal.cause)}) from None
        except ChainUnavailable:
            raise ProblemError("ledger-unavailable", "the ledger's node does not answer") from None
        except SignerError as error:
            raise unsigned(error) from None

    def find(self, entity: int, key: str) -> Sent | None:
        """What became of the call of a key, after one more look at the chain."""
        outbox = self._outbox(entity)
        sent = outbox.find(key)
        if sent is None or sent in outbox.pending():
            outbox.step()
            sent = outbox.find(key)
        return sent

    def statuses(self) -> dict[int, OutboxStatus]:
        """How the outbox of each member that ever sent does, by entity; also of one that cannot be opened now."""
        with self._lock:
            found = {entity: outbox.status() for entity, outbox in self._open.items()}
        return found | {entity: status for entity, status in self._kept() if entity not in found}

    def run(self) -> None:
        """Look after what is on its way until `stop`, also what was before the start; sends again what a node lost."""
        asleep = self._unsettled()
        while not self._stop.wait(PAUSE):
            asleep = [entity for entity in asleep if not self._wake(entity)]
            with self._lock:
                outboxes = list(self._open.values())
            for outbox in outboxes:
                outbox.step()

    def stop(self) -> None:
        """End `run` and close the files."""
        self._stop.set()
        with self._lock:
            for outbox in self._open.values():
                outbox.close()
            self._open.clear()

    def _unsettled(self) -> list[int]:
        """The members with acts that were accepted before the start and are not settled."""
        return [entity for entity, status in self._kept() if status.pending]

    def _kept(self) -> Iterator[tuple[int, OutboxStatus]]:
        """Each member's outbox as its file has it."""
        for path in sorted(self._folder.glob(_FILE.format("*"))):
            try:
                yield int(path.stem.removeprefix(_FILE.split("{")[0])), read_status(path, time.time())
            except (OSError, ValueError) as error:
                _LOG.error("outbox %s: %s", path.name, error)

    def _wake(self, entity: int) -> bool:
        """Open a member's outbox; False when it is to be tried again, as node, signer or key do not answer now."""
        try:
            self._outbox(entity)
        except (ChainUnavailable, RpcError, AnswerError, SignerError, OutboxLocked, ProblemError):
            return False
        except OutboxMismatch as error:
            _LOG.error("outbox of entity %d: %s", entity, error)
        return True

    def _outbox(self, entity: int) -> Outbox:
        """The member's outbox. Others' are used meanwhile: opening one asks the node."""
        signer = self._keyring.signer(entity)
        with self._lock:
            opening = self._opening.setdefault(entity, threading.Lock())
        with opening:
            with self._lock:
                found = self._open.get(entity)
            return found or self._opened(entity, signer)

    def _opened(self, entity: int, signer: Signer) -> Outbox:
        make_folder(self._folder)
        outbox = Outbox(
            self._folder / _FILE.format(entity),
            self._client,
            signer,
            policy=GasPolicy.of_chain(self._client),
            finality=self._finality,
        )
        with self._lock:
            if self._stop.is_set():
                outbox.close()
                raise ProblemError("ledger-unavailable", "the service is being stopped")
            self._open[entity] = outbox
        return outbox


def cause_json(cause: RevertCause) -> dict[str, JsonValue]:
    """A cause as JSON: its name, its arguments as texts."""
    shown = {name: data_hex(value) if isinstance(value, bytes) else str(value) for name, value in cause.args}
    return {"name": cause.name, "args": dict(shown)}
