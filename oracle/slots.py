"""Which slots have ended, and what this oracle observed in them: reads its own log, bit by bit."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from oracle.database import Database
from oracle.formats.observation import Observation
from oracle.formats.schema import Kind, Schema
from oracle.formats.segment import SignedSegment, parse
from oracle.log import Log
from oracle.observe import closing_ms, event_slots, observe, window_of
from oracle.store import Store

Liveness = Callable[[bytes], int]
"""For how many milliseconds a device may be silent; 0 for one that stores and forwards, or is unknown."""
SCAN = 256
REMEMBERED = 256
"""How many segments of a device are searched for events at once."""


class SlotKeeper:
    """The slots of schemas, as this oracle's log has them."""

    def __init__(self, database: Database, log: Log, liveness: Liveness, store: Store, oracle: bytes) -> None:
        self._database = database
        self._log = log
        self._liveness = liveness
        self._store = store
        self._oracle = oracle

    def due(self, schema: Schema, now_ms: int, limit: int) -> list[int]:
        """At most `limit` ended slots that this oracle has not reported, in order. Raises ChainUnavailable.

        A slot has ended when every device's stream has passed it, or when a device that must be live has been silent
        for longer than its profile allows; a device that may store and forward is waited for.
        """
        passed = self.passed(schema, now_ms)
        if passed is None:
            return []
        if schema.kind is Kind.EVENT:
            self._scan(schema)
            waiting = self._store.waiting_events(schema.id, limit)
            return [slot for slot in waiting if closing_ms(schema, slot) <= passed]
        found: list[int] = []
        slot = self._next(schema)
        while len(found) < limit and closing_ms(schema, slot) <= passed:
            found.append(slot)
            slot += schema.period_ms
        return found

    def passed(self, schema: Schema, now_ms: int) -> int | None:
        """The event time that every device of the schema has passed, or None while one may still say anything."""
        times = [self._passed(device, now_ms) for device in schema.devices]
        known = [each for each in times if each is not None]
        return min(known) if len(known) == len(times) else None

    def awaited_ms(self, schema: Schema, now_ms: int) -> int:
        """For how long the oldest slot that ended has waited for a device that has not passed it; 0: there is none.

        Counted from the slot's end, or from when the device was heard last where that is later: recorded and delayed
        streams end their slots long after the event time.
        """
        slot = self._oldest(schema)
        if slot is None:
            return 0
        closing = closing_ms(schema, slot)
        passed = {device: self._passed(device, now_ms) for device in schema.devices}
        awaited = [device for device, heard in passed.items() if heard is None or heard < closing]
        return max([0, *(now_ms - max(closing, self._log.arrived_ms(device) or 0) for device in awaited)])

    def _oldest(self, schema: Schema) -> int | None:
        """The oldest slot that is not reported; of an event schema None when no event waits."""
        if schema.kind is Kind.EVENT:
            return next(iter(self._store.waiting_events(schema.id, 1)), None)
        return self._next(schema)

    def _next(self, schema: Schema) -> int:
        """The slot of a period schema after the last that was reported."""
        last = self._store.last_own_slot(schema.id, self._oracle)
        return schema.start_ms if last is None else last + schema.period_ms

    def observe(self, schema: Schema, slot: int) -> tuple[Observation, ...]:
        """The observations of an ended slot, from the log as it is now."""
        earliest: dict[bytes, int] = {}
        for metric in schema.metrics:
            start = window_of(schema, metric, slot)[0]
            for place in metric.members + metric.against:
                device = schema.members[place].device
                earliest[device] = min(start, earliest.get(device, start))
        end = schema.window(slot)[1]
        closing = closing_ms(schema, slot)
        return observe(schema, slot, {each: self._stream(each, at, end, closing) for each, at in earliest.items()})

    def _passed(self, device: bytes, now_ms: int) -> int | None:
        cursor, liveness_ms = self._log.cursor(device), self._liveness(device)
        heard = None if cursor is None else cursor.last_ms
        if not liveness_ms:
            return heard
        return now_ms - liveness_ms if heard is None else max(heard, now_ms - liveness_ms)

    def _stream(self, device: bytes, start: int, end: int, closing: int) -> Sequence[SignedSegment]:
        """The segments that touch a window, and the first one that has passed the slot."""
        found = [_parsed(each.raw) for each in self._log.stream(device, start, end)]
        if found and found[-1].content.last_ms >= closing:
            return found
        row = self._database.row(
            "SELECT seq FROM entries WHERE device = ? AND last_ms >= ? ORDER BY last_ms, seq LIMIT 1", (device, closing)
        )
        return found if row is None else [*found, *self._after(device, row[0] - 1, 1)]

    def _after(self, device: bytes, seq: int, limit: int) -> list[SignedSegment]:
        return [each.segment for each in self._log.next_after(device, seq, limit)]

    def _scan(self, schema: Schema) -> None:
        """Looks for events in what was logged since the last time."""
        for device in sorted({schema.members[place].device for place in schema.triggers}):
            name = f"scan {schema.id.hex()} {device.hex()}"
            while segments := self._after(device, self._store.mark(name) - 1, SCAN):
                with self._database.transaction():
                    for segment in segments:
                        self._store.add_events(schema.id, event_slots(schema, segment))
                    self._store.set_mark(name, segments[-1].content.seq + 1)


@lru_cache(maxsize=REMEMBERED)
def _parsed(raw: bytes) -> SignedSegment:
    """A logged segment; the slots of one segment follow each other."""
    return parse(raw)
