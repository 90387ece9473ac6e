"""Evidence from running oracles over HTTP (docs/formats/oracle-api.md), read as an account that may read a covenant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hexvalues import HexError, data_hex, read_data
from ledger_node.merkle import PaddedTree
from ledger_node.signing import Signer
from oracle.agreement import Round
from oracle.formats import covenant as covenants
from oracle.formats import observation as observations
from oracle.formats import wire
from oracle.formats.covenant import Covenant
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.fleet import Fleet, fleet_from_json
from oracle.formats.metric import MAX_MEMBERS
from oracle.formats.report import report_from_json
from oracle.formats.requests import Scheme, sign_request
from oracle.formats.schema import Schema
from oracle.formats.segment import MAX_SEGMENT, MAX_TIME_MS, Context, SegmentRefused, SignedSegment, parse
from oracle.formats.signed import log_origin
from oracle.observe import closing_ms
from registry import consents, structs
from registry.acts import Contract
from registry.evidence.gather import EvidenceMissing, LoggedEntry, RoundRecord
from registry.transitions import Deployment

T = TypeVar("T")
_MAX_LEAVES, _MAX_PROOF, _PAGE = 2048, 64, 64
_MAX_PLACE = (1 << 53) - 1
_ORACLE_AT = 108
"""Where the oracle's address begins in a checkpoint's leaf: after tag, schema, slot and 12 bytes of padding."""


@dataclass(slots=True)
class OracleEndpoint:
    """One oracle: its address and a client with its base URL; what was read of its log is kept."""

    address: bytes
    client: httpx.Client
    listed: dict[tuple[bytes, int], dict[bytes, tuple[int, int, bytes]]] = field(default_factory=dict)


class OraclePort:
    """Satisfies gather.EvidencePort. `now_ms` is this member's clock."""

    def __init__(
        self,
        endpoints: Sequence[OracleEndpoint],
        deployment: Deployment,
        signer: Signer,
        now_ms: Callable[[], int],
    ) -> None:
        self._endpoints = {each.address: each for each in endpoints}
        self._context = Context(deployment.chain_id, deployment.addresses[Contract.DEVICES])
        self._credit = consents.domain(structs.Facility, deployment)
        self._signer = signer
        self._now_ms = now_ms

    def covenant(self, facility: bytes) -> Covenant:
        """The covenant of a facility, none that its id does not bind. Raises EvidenceMissing."""

        def read(value: JsonValue) -> Covenant:
            found = _read(lambda: covenants.from_json(value), "covenant")
            if found.facility(self._credit) != facility:
                raise EvidenceMissing(f"covenant: what the oracle shows is not of facility {data_hex(facility)}")
            return found

        return self._any(f"/v1/covenants/{data_hex(facility)}", read)

    def round(self, schema: Schema, slot: int) -> RoundRecord:
        """An anchored round with its reports. Raises EvidenceMissing."""
        return self._any(
            f"/v1/rounds/{data_hex(schema.id)}/{slot}",
            lambda value: _read(lambda: _round(Fields(value, "round"), schema, slot), "round"),
        )

    def streams(self, schema: Schema, slot: int) -> dict[bytes, list[SignedSegment]]:
        """The segments of a schema's devices that may matter for a slot. Raises EvidenceMissing."""
        for endpoint in self._endpoints.values():
            try:
                listed = self._list(endpoint, schema, slot)
            except EvidenceMissing:
                continue
            streams: dict[bytes, list[SignedSegment]] = {}
            for signed in sorted((parse(raw) for raw in listed), key=lambda each: each.content.seq):
                streams.setdefault(signed.content.device, []).append(signed)
            return streams
        raise EvidenceMissing(f"no oracle gives the segments of slot {slot}")

    def entry(self, oracle: bytes, segment: SignedSegment, size: int) -> LoggedEntry | None:
        """A segment's entry among the first `size` of an oracle's log; None when that log cannot be read."""
        endpoint = self._endpoints.get(oracle)
        if endpoint is None:
            return None
        found = next((listed[segment.raw] for listed in endpoint.listed.values() if segment.raw in listed), None)
        if found is None:
            try:
                found = self._find(endpoint, segment)
            except EvidenceMissing:
                return None
        if found is None or found[0] >= size:
            return None
        place, arrived_ms, salt = found
        value = self._get(endpoint, f"/v1/inclusion?place={place}&size={size}")
        proof = _read(lambda: _hashes(Fields(value, "inclusion"), "proof"), "inclusion")
        return LoggedEntry(place, arrived_ms, salt, proof)

    def fleet(self, entity: int, epoch: int) -> Fleet:
        """An entity's fleet of an epoch. Raises EvidenceMissing."""
        return self._any(f"/v1/fleets/{entity}/{epoch}", lambda value: _read(lambda: fleet_from_json(value), "fleet"))

    def _list(self, endpoint: OracleEndpoint, schema: Schema, slot: int) -> dict[bytes, tuple[int, int, bytes]]:
        """Entries by segment: from the longest look back until each device has passed the slot."""
        key = (schema.id, slot)
        if key not in endpoint.listed:
            start = max(0, slot - max(metric.lookback_ms for metric in schema.metrics))
            found: dict[bytes, tuple[int, int, bytes]] = {}
            for device in schema.devices:
                found |= self._device(endpoint, device, start, closing_ms(schema, slot))
            endpoint.listed[key] = found
        return endpoint.listed[key]

    def _find(self, endpoint: OracleEndpoint, segment: SignedSegment) -> tuple[int, int, bytes] | None:
        content = segment.content
        return self._device(endpoint, content.device, content.first_ms, content.last_ms).get(segment.raw)

    def _device(
        self, endpoint: OracleEndpoint, device: bytes, start: int, closing: int
    ) -> dict[bytes, tuple[int, int, bytes]]:
        found: dict[bytes, tuple[int, int, bytes]] = {}
        after: int | None = 0
        while after is not None:
            target = f"/v1/segments?device={data_hex(device)}&from={start}&to={MAX_TIME_MS}&after={after}"
            page, after = self._page(endpoint, target)
            found |= page
            if any(parse(raw).content.last_ms >= closing for raw in page):
                break
        return found

    def _page(self, endpoint: OracleEndpoint, target: str) -> tuple[dict[bytes, tuple[int, int, bytes]], int | None]:
        value = self._get(endpoint, target)
        return _read(lambda: _segments(Fields(value, "segments")), "segments")

    def _any(self, target: str, read: Callable[[JsonValue], T]) -> T:
        """What `read` makes of the answer of the first oracle whose answer it takes; else it raises EvidenceMissing."""
        causes = []
        for endpoint in self._endpoints.values():
            try:
                return read(self._get(endpoint, target))
            except EvidenceMissing as error:
                causes.append(str(error))
        raise EvidenceMissing(causes[0] if causes else "no oracle is known")

    def _get(self, endpoint: OracleEndpoint, target: str) -> JsonValue:
        origin = log_origin(self._context, endpoint.address)
        header = sign_request(self._signer, Scheme.ACCOUNT, origin, target, self._now_ms())
        path = target.split("?")[0]
        try:
            response = endpoint.client.get(target, headers={"Authorization": header})
            if response.status_code != httpx.codes.OK:
                raise EvidenceMissing(f"{path}: the oracle answers {response.status_code}")
            return wire.load(response.content)
        except httpx.HTTPError as error:
            raise EvidenceMissing(f"{path}: {type(error).__name__}") from None
        except JsonError as error:
            raise EvidenceMissing(f"{path}: {error}") from None


def _read(read: Callable[[], T], what: str) -> T:
    try:
        return read()
    except (FieldError, HexError, JsonError, SegmentRefused, ValueError) as error:
        raise EvidenceMissing(f"{what}: {error}") from None


def _round(fields: Fields, schema: Schema, slot: int) -> RoundRecord:
    leaves = [_data(each, "data") for each in objects(fields, "leaves", _MAX_LEAVES, fewest=1)]
    seen = tuple(observations.from_json(each) for each in objects(fields, "observations", MAX_MEMBERS, fewest=1))
    reports = [report_from_json(each) for each in objects(fields, "reports", 31, fewest=1)]
    oracles = [leaf[_ORACLE_AT : _ORACLE_AT + 20] for leaf in leaves[len(seen) :]]
    if len(oracles) != len(reports):
        raise FieldError(f"{fields.path}: has another number of checkpoints than of reports")
    round_ = Round(schema.id, slot, seen, tuple(leaves), PaddedTree(leaves))
    return RoundRecord(round_, dict(enumerate(reports)), oracles)


def _segments(fields: Fields) -> tuple[dict[bytes, tuple[int, int, bytes]], int | None]:
    found = {}
    for each in objects(fields, "entries", _PAGE):
        place, arrived = each.integer("place", 0, _MAX_PLACE), each.integer("arrivedMs", 0, MAX_TIME_MS)
        raw = _data(each, "segment")
        parse(raw)
        found[raw] = (place, arrived, each.data("salt", 32))
    following = fields.take("next")
    return found, None if following is None else fields.integer("next", 0, _MAX_PLACE)


def _data(fields: Fields, name: str) -> bytes:
    data = read_data(fields.at(name), fields.take(name))
    if len(data) > MAX_SEGMENT:
        raise FieldError(f"{fields.at(name)}: is too long")
    return data


def _hashes(fields: Fields, name: str) -> tuple[bytes, ...]:
    return tuple(read_data(fields.at(name), each, 32) for each in fields.items(name, _MAX_PROOF))
