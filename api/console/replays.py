"""The replay for the regulator: all state rebuilt from the chain's events and compared with the chain's own storage.

One replay runs at a time, beside the requests; its result is kept until the process ends or the next one is done.
"""

import threading
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from api.console.access import Sender
from api.console.frame import Frame, Framed
from api.console.phrases import Tag
from api.problems import ProblemError
from api.services import Services, services_of
from ledger_node.client import ChainUnavailable, RpcError
from registry.audit import Audit, audit

router = APIRouter(include_in_schema=False)
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Told:
    """The replay in words: its state, a sentence, and the fields that differ."""

    tag: Tag
    says: str
    differences: tuple[str, ...]
    running: bool


class Replays:
    """The last replay of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running = threading.Lock()
        self.result: Audit | None = None
        self.failed = ""

    @property
    def running(self) -> bool:
        """Whether one runs now."""
        return self._running.locked()

    def start(self) -> None:
        """Begin a replay, unless one runs."""
        if self._running.acquire(blocking=False):
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self.result, self.failed = audit(self._services.client, self._services.drafting.deployment), ""
        except (ChainUnavailable, RpcError, ValueError) as error:
            self.result, self.failed = None, type(error).__name__
        finally:
            self._running.release()


def replays_of(connection: HTTPConnection) -> Replays:
    """The replays of the application that a request came to."""
    state = connection.app.state
    if not hasattr(state, "replays"):
        state.replays = Replays(services_of(connection))
    found: Replays = state.replays
    return found


@router.post("/replay")
def replay(sender: Sender, frame: Framed) -> Response:
    """Begin a replay and go back to the first page, which shows its result."""
    if not sender.is_regulator:
        raise ProblemError("forbidden", "only the regulator replays here; others run cangdan audit replay")
    replays_of(frame.request).start()
    return RedirectResponse("/#replay", 303)


def replay_words(frame: Frame) -> Told:
    """What the last replay found."""
    replays, say = replays_of(frame.request), frame.say
    found = replays.result
    if replays.running:
        return Told(Tag("wait", say("running")), say("The replay runs. Open this page again in a moment."), (), True)
    if replays.failed:
        return Told(Tag("unknown", say("cannot check")), say("The replay could not read the chain."), (), False)
    if found is None:
        return Told(Tag("unknown", say("not replayed yet")), say("Not replayed since this service started."), (), False)
    counts = {"block": f"{found.block:,}", "events": f"{found.events:,}", "slots": f"{found.slots:,}"}
    if not found.differences:
        says = say("Block %(block)s: %(events)s events rebuild all %(slots)s storage slots that they determine.")
        return Told(Tag("good", say("equal")), says % counts, (), False)
    n = len(found.differences)
    says = frame.count("Block %(block)s: %(n)d field differs.", "Block %(block)s: %(n)d fields differ.", n)
    shown = tuple(f"{each.contract} {each.id} {each.field}" for each in found.differences[:SHOWN])
    return Told(Tag("act", say("differs")), says % {"block": counts["block"], "n": n}, shown, False)
