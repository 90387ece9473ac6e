"""Sending for the members of one process: one outbox a key, looked after in the background."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from api.acts.calls import Call
from api.keyring import Keyring, unsigned
from api.problems import ProblemError
from ledger_node.abi import RevertCause
from ledger_node.canonical_json import JsonValue
from ledger_node.client import ChainClient, ChainUnavailable
from ledger_node.files import make_folder
from ledger_node.hexvalues import data_hex
from ledger_node.outbox import ActRefused, GasPolicy, Outbox, Sent
from ledger_node.sending_status import OutboxStatus
from ledger_node.signing import SignerError

PAUSE = 0.5
"""Seconds between two looks at the chain while something is on its way."""


class Sending(Protocol):
    """What sends calls for members and knows what became of them."""

    def submit(self, entity: int, key: str, call: Call, gas: int | None) -> Sent:
        """Send a call under a key, once. Raises ProblemError when it would be refused now, or nothing can be sent."""

    def find(self, entity: int, key: str) -> Sent | None:
        """What became of the call of a key, as the chain has it now."""

    def statuses(self) -> dict[int, OutboxStatus]:
        """How the outbox of each member that has sent since the start does, by entity."""


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
        """How the outbox of each member that has sent since the start does, by entity."""
        with self._lock:
            outboxes = dict(self._open)
        return {entity: outbox.status() for entity, outbox in outboxes.items()}

    def run(self) -> None:
        """Look after what is on its way until `stop`; broadcasts again what a node has lost."""
        while not self._stop.wait(PAUSE):
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

    def _outbox(self, entity: int) -> Outbox:
        signer = self._keyring.signer(entity)
        with self._lock:
            if entity not in self._open:
                make_folder(self._folder)
                self._open[entity] = Outbox(
                    self._folder / f"outbox-{entity}.db",
                    self._client,
                    signer,
                    policy=GasPolicy.of_chain(self._client),
                    finality=self._finality,
                )
            return self._open[entity]


def cause_json(cause: RevertCause) -> dict[str, JsonValue]:
    """A cause as JSON: its name, its arguments as texts."""
    shown = {name: data_hex(value) if isinstance(value, bytes) else str(value) for name, value in cause.args}
    return {"name": cause.name, "args": dict(shown)}
