"""What a member reads at the oracles beside evidence: agreed observations, and how far devices are."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from ledger_node.signing import Signer
from oracle.formats import observation as observations
from oracle.formats.covenant import Covenant
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.observation import Observation
from oracle.formats.segment import MAX_TIME_MS
from registry.evidence.gather import EvidenceMissing
from registry.evidence.oracle_port import OracleEndpoint, OraclePort
from registry.transitions import Deployment

MAX_OBSERVATIONS = 100_000
_PAGE = 1 << 20
MAX_COVENANTS = 2048
"""So many covenants are kept in memory at most."""


@dataclass(frozen=True, slots=True)
class DeviceRefusal:
    """Why an oracle did not take a device's segments: a reason of the published list, how often, when last (ms)."""

    reason: str
    last_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How far a device's stream goes; times in ms, None when it was never heard."""

    seq: int | None
    last_event_ms: int | None
    last_seen_ms: int | None
    quarantined: bool
    refusals: tuple[DeviceRefusal, ...]


class KeptCovenants:
    """Covenants as each account was shown them; a facility's id binds its terms, rules and schedule for ever.

    What an account was refused is not kept: it may be granted later. May be used by several threads.
    """

    def __init__(self, most: int = MAX_COVENANTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[tuple[bytes, bytes], Covenant] = {}

    def read(self, account: bytes, facility: bytes, ask: Callable[[bytes], Covenant]) -> Covenant:
        """The covenant of a facility; `ask` is called when the account was not shown it yet, or long ago.

        `ask` gives none that the facility's id does not bind: it is kept as it comes.
        """
        with self._lock:
            known = self._known.get((account, facility))
        if known is not None:
            return known
        found = ask(facility)
        with self._lock:
            if len(self._known) >= self._most:
                self._known.pop(next(iter(self._known)))
            self._known[account, facility] = found
        return found


class OracleReader(OraclePort):
    """The oracles of the consortium, read with one member's key; what they showed of covenants is in `kept`."""

    def __init__(
        self,
        endpoints: Sequence[OracleEndpoint],
        deployment: Deployment,
        signer: Signer,
        now_ms: Callable[[], int],
        kept: KeptCovenants,
    ) -> None:
        super().__init__(endpoints, deployment, signer, now_ms)
        self._account, self._kept = signer.address, kept

    def covenant(self, facility: bytes) -> Covenant:
        """The covenant of a facility. Raises EvidenceMissing."""
        return self._kept.read(self._account, facility, super().covenant)

    def observations(self, schema: bytes, start: int, end: int) -> list[Observation]:
        """The agreed observations of the slots from `start` up to and without `end` (ms), oldest first."""
        found: list[Observation] = []
        following: int | None = start
        while following is not None and len(found) < MAX_OBSERVATIONS:
            target = f"/v1/observations?schema={data_hex(schema)}&from={following}&to={end}"
            page, following = self._any(target, _page)
            found += page
        return found

    def device(self, device: bytes) -> DeviceState:
        """How far a device's stream goes."""
        return self._any(f"/v1/devices/{data_hex(device)}/state", _state)

    def silent(self) -> dict[bytes, int | None]:
        """The devices of the member's fleet and covenants that an oracle calls silent, each with when it was last heard
        (ms, None: never)."""
        return self._any("/v1/silent", _silent)


def _page(value: JsonValue) -> tuple[list[Observation], int | None]:
    try:
        fields = Fields(value, "observations")
        found = [observations.from_json(each) for each in objects(fields, "observations", _PAGE)]
        following = fields.take("next")
        return found, None if following is None else fields.integer("next", 0, MAX_TIME_MS)
    except FieldError as error:
        raise EvidenceMissing(str(error)) from None


def _silent(value: JsonValue) -> dict[bytes, int | None]:
    try:
        found = objects(Fields(value, "silent"), "devices", _PAGE)
        return {each.data("device", 16): _optional(each, "lastSeenMs") for each in found}
    except FieldError as error:
        raise EvidenceMissing(str(error)) from None


def _state(value: JsonValue) -> DeviceState:
    try:
        return _read_state(Fields(value, "device"))
    except FieldError as error:
        raise EvidenceMissing(str(error)) from None


def _read_state(fields: Fields) -> DeviceState:
    refusals = [
        DeviceRefusal(
            each.text("reason"), each.integer("lastMs", 0, MAX_TIME_MS), each.integer("count", 0, MAX_TIME_MS)
        )
        for each in objects(fields, "refusals", 100)
    ]
    return DeviceState(
        seq=_optional(fields, "seq"),
        last_event_ms=_optional(fields, "lastEventMs"),
        last_seen_ms=_optional(fields, "lastSeenMs"),
        quarantined=fields.take("equivocation") is not None,
        refusals=tuple(refusals),
    )


def _optional(fields: Fields, name: str) -> int | None:
    return None if fields.take(name) is None else fields.integer(name, 0, MAX_TIME_MS)
