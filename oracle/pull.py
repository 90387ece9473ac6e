"""Pulls another oracle's log and verifies each segment for itself, as if a device had sent it (docs/formats/log.md).

The puller keeps the hashes of the whole subtrees it has seen (the frontier) and so proves by itself that each new
checkpoint extends the last. A peer that shows two logs is recorded with both checkpoints and not read any more.
"""

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError
from ledger_node.hashing import sha256
from ledger_node.hexvalues import data_hex
from oracle.clock import Clock
from oracle.database import Database
from oracle.fleets import FleetRefused, fleet_bytes, load_bundle
from oracle.formats.entry import SALT_SIZE, entry_leaf
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.frontier import HASH_SIZE, Frontier
from oracle.formats.reasons import Reason
from oracle.formats.segment import MAX_SEGMENT, MAX_TIME_MS, parse
from oracle.formats.signed import Checkpoint, NoteRefused, read_checkpoint
from oracle.http_peer import PeerClient
from oracle.ingest import Accepted, Arrival, IngestService, Outcome
from oracle.peers import PeerUnavailable
from oracle.refusals import Refusal

PAGE = 256
MAX_PAGE_BYTES = 16 << 20
PAGES = 64
"""How many pages one pull reads at most, as a peer can claim a log of any length."""
PATIENCE_MS = 600_000
"""How long an entry of an unknown device or block is waited for before it is refused for good."""
_WAITED_FOR = (Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_EPOCH_BLOCK)


class PullState(StrEnum):
    """How a pull ended: all read, more to read, waiting for a fleet or block, or a split view."""

    COMPLETE = "complete"
    MORE = "more"
    WAITING = "waiting"
    SPLIT_VIEW = "split_view"


@dataclass(frozen=True, slots=True)
class PullResult:
    """What one pull brought: the entries that were new here, known, refused."""

    state: PullState
    fresh: int = 0
    known: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class PeerLog:
    """How far another oracle's log was read: `size` entries, all of them at `pulled_ms`, 0 for never."""

    oracle: bytes
    size: int
    pulled_ms: int
    split: bool


def peer_logs(database: Database) -> list[PeerLog]:
    """How far each peer's log has been read."""
    rows = database.rows("SELECT oracle, size, pulled_ms, split_note IS NOT NULL FROM peers ORDER BY oracle")
    return [PeerLog(bytes(oracle), size, pulled_ms, bool(split)) for oracle, size, pulled_ms, split in rows]


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a peer's log has been read; `note` is the last checkpoint whose whole tree was seen."""

    frontier: Frontier
    note: str
    pulled_ms: int
    waiting_ms: int | None
    split_note: str | None = None


@dataclass(frozen=True, slots=True)
class _PeerEntry:
    leaf: bytes
    arrived_ms: int
    raw: bytes


class Puller:
    """Reads one peer's log, from where it stopped."""

    def __init__(self, service: IngestService, database: Database, peer: PeerClient, clock: Clock) -> None:
        self._service = service
        self._database = database
        self._peer = peer
        self._clock = clock
        self._source = f"peer {data_hex(peer.address)}"

    def pull(self) -> PullResult:
        """Reads what is new. Raises PeerUnavailable, ChainUnavailable, sqlite3.Error; what was read before stays."""
        place = self._load()
        if place.split_note is not None:
            return PullResult(PullState.SPLIT_VIEW)
        started_ms = self._clock.now_ms()
        note, checkpoint = self._checkpoint()
        tally: Counter[str] = Counter()
        pages = 0
        while place.frontier.size < checkpoint.size:
            pages += 1
            if pages > PAGES:
                return _result(PullState.MORE, tally)
            entries = self._page(place.frontier.size, checkpoint.size)
            outcomes = self._accept(entries, place)
            tally.update(_kind(each) for each in outcomes)
            frontier = place.frontier.extended(each.leaf for each in entries[: len(outcomes)])
            since = (place.waiting_ms if place.waiting_ms is not None else started_ms) if not outcomes else None
            place = replace(place, frontier=frontier, waiting_ms=since)
            self._save(place)
            if not outcomes and not self._pull_fleet(entries[0].raw):
                return _result(PullState.WAITING, tally)
        # So it ends too where the checkpoint is smaller than what was read, or as great and another.
        if place.frontier.root() != checkpoint.root:
            detail = (
                f"{place.frontier.size} entries were read, the checkpoint of size {checkpoint.size} is not over them"
            )
            return self._split(place, note, detail)
        self._save(replace(place, note=note, pulled_ms=started_ms))
        return _result(PullState.COMPLETE, tally)

    def _accept(self, entries: list[_PeerEntry], place: _Place) -> list[Outcome]:
        """The outcomes of the entries up to the first that is worth waiting for; out of patience, of the first."""
        now_ms = self._clock.now_ms()
        patient = place.waiting_ms is None or now_ms - place.waiting_ms < PATIENCE_MS
        # What was not in the peer's log at the last pull cannot have arrived before it, whatever the peer says.
        arrivals = [
            Arrival(each.raw, self._source, min(max(each.arrived_ms, place.pulled_ms), now_ms)) for each in entries
        ]
        return self._service.accept_many(arrivals if patient else arrivals[:1], _WAITED_FOR if patient else ())

    def _pull_fleet(self, raw: bytes) -> bool:
        """Whether the peer had the fleet of a segment's device, new here and held by the chain."""
        entity = int.from_bytes(parse(raw).content.device[:4], "big")
        size = self._service.fleets.wanted(entity)
        if size is None:
            return False
        text = self._peer.ask(f"/v1/fleets/{entity}", fleet_bytes(size))
        try:
            return text is not None and self._service.fleets.accept(load_bundle(text, entity, size))
        except FleetRefused:
            return False

    def _checkpoint(self) -> tuple[str, Checkpoint]:
        try:
            note = self._get("/v1/checkpoint", 4096).decode()
            return note, read_checkpoint(note, self._peer.origin, self._peer.address)
        except (NoteRefused, UnicodeDecodeError) as error:
            raise PeerUnavailable(f"checkpoint: {error}") from None

    def _page(self, start: int, end: int) -> list[_PeerEntry]:
        target = f"/v1/entries?from={start}&limit={min(PAGE, end - start)}"
        try:
            fields = Fields(canonical_json.loads(self._get(target, MAX_PAGE_BYTES)), "body")
            entries = [_entry(each) for each in objects(fields, "entries", min(PAGE, end - start), fewest=1)]
        except (JsonError, FieldError) as error:
            raise PeerUnavailable(f"entries: {error}") from None
        return entries

    def _get(self, target: str, limit: int) -> bytes:
        answer = self._peer.ask(target, limit)
        if answer is None:
            raise PeerUnavailable(f"{target}: nothing is known there")
        return answer

    def _split(self, place: _Place, note: str, detail: str) -> PullResult:
        with self._database.transaction():
            self._save(replace(place, split_note=note))
            refusal = Refusal(Reason.SPLIT_VIEW, f"log of {self._source}: {detail}", sha256(note.encode()))
            self._service.quarantine.add(refusal, note.encode(), self._source, self._clock.now_ms())
        return PullResult(PullState.SPLIT_VIEW)

    def _load(self) -> _Place:
        row = self._database.row(
            "SELECT size, frontier, note, pulled_ms, waiting_ms, split_note FROM peers WHERE oracle = ?",
            (self._peer.address,),
        )
        return _Place(Frontier(), "", 0, None) if row is None else _Place(Frontier.from_bytes(*row[:2]), *row[2:])

    def _save(self, place: _Place) -> None:
        self._database.rows(
            "INSERT OR REPLACE INTO peers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self._peer.address,
                place.frontier.size,
                place.frontier.to_bytes(),
                place.note,
                place.pulled_ms,
                place.waiting_ms,
                place.split_note,
            ),
        )


def _entry(fields: Fields) -> _PeerEntry:
    """An entry whose leaf is opened by what comes with it. Raises FieldError."""
    leaf, salt = fields.data("leaf", HASH_SIZE), fields.data("salt", SALT_SIZE)
    arrived_ms = fields.integer("arrivedMs", 0, MAX_TIME_MS)
    text = fields.text("segment", 2 + 2 * MAX_SEGMENT)
    raw = fields.data("segment", len(text) // 2 - 1)
    fields.end()
    if entry_leaf(salt, arrived_ms, raw) != leaf:
        raise FieldError(f"{fields.at('leaf')}: is not opened by salt, arrivedMs and segment")
    return _PeerEntry(leaf, arrived_ms, raw)


def _result(state: PullState, tally: Counter[str]) -> PullResult:
    return PullResult(state, tally["fresh"], tally["known"], tally["refused"])


def _kind(outcome: Outcome) -> str:
    if isinstance(outcome, Accepted):
        return "fresh" if outcome.fresh else "known"
    return "refused"
