"""Devices for people: which watch what the member may read, and the figures of one with plot, state strip and table."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from api.console.frame import Frame, Framed
from api.console.phrases import Tag, comparison, flag_words
from api.console.plots import LEFT, RIGHT, Labels, Point, Stretch, Threshold, series_svg, stretches, strip_svg
from api.console.words import decimal, moment
from api.problems import ProblemError
from api.records.figures import DeviceState, OracleReader
from api.records.oracles import GLANCE_SECONDS
from api.times import milliseconds, rfc3339
from api.v1.rendering import written
from ledger_node.hexvalues import HexError, data_hex, read_data
from oracle.formats.covenant import Covenant
from oracle.formats.metric import Metric
from oracle.formats.observation import Observation
from oracle.formats.schema import Schema
from oracle.formats.segment import Quality
from registry.evidence.gather import EvidenceMissing
from registry.items import Facility

router = APIRouter(include_in_schema=False)
SLOTS = 3000
ROWS = 200
STATES = ("pass", "suspect", "fail", "missing")
EVENT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A device in the list."""

    href: str
    id: str
    measures: str
    heard: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Silent:
    """A device that nothing is heard of: what it measures, its id to who may not read that; when it was last heard."""

    name: str
    heard: str


@dataclass(frozen=True, slots=True)
class Value:
    """One agreed value in the table under a plot."""

    time_ms: int
    time: str
    value: str
    state: str
    words: str
    readings: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric over a span: plot and strip as markup, the values as a table."""

    id: str
    name: str
    says: str
    plot: str
    strip: str
    start: int
    end: int
    abnormal: list[tuple[str, Tag, int]]
    values: list[Value]
    left_out: int
    csv: str


@router.get("/devices")
def devices(frame: Framed, facility: str = "") -> Response:
    """The devices that the member may read, by the covenants that it is a party to."""
    reader = _reader(frame)
    covenants = [] if reader is None else [each for _, each in _covenants(frame, reader, facility)]
    listed = [] if reader is None else list(_listed(frame, reader, covenants))
    heading = frame.count("%d device", "%d devices", len(listed)) % len(listed)
    return frame.page(
        "devices.html",
        heading=heading,
        rows=listed,
        unreachable=reader is None,
        fleets=[(frame.name(fleet.terms.entity), fleet) for fleet in frame.sight.fleets()],
    )


@router.get("/devices/{device_id}")
def device(frame: Framed, device_id: str, since: str = "", until: str = "") -> Response:
    """One device: how far it is, and each figure that it takes part in."""
    id_, reader = _device_id(device_id), _needed(frame)
    state = _state(reader, id_)
    span = _span(frame, since, until)
    figures = [
        _figure(frame, reader, covenant, schema, metric, state, span)
        for covenant, schema, metric in _metrics(frame, reader, id_)
    ]
    if not figures and state.seq is None:
        raise ProblemError("not-found", "no such device among those that this member may read")
    return frame.page(
        "device.html",
        heading=_heading(frame, state),
        name=", ".join(dict.fromkeys(each.name for each in figures)) or frame.say("Device"),
        device_id=device_id,
        state=state,
        heard=_time(frame, state.last_seen_ms),
        measured=_time(frame, state.last_event_ms),
        refusals=[(each.reason, each.count, _time(frame, each.last_ms)) for each in state.refusals],
        figures=figures,
        left=LEFT,
        right=RIGHT,
        legend=[(each, flag_words(each, frame.say)) for each in STATES],
        since=since,
        until=until,
    )


@router.get("/devices/{device_id}/{figure_id}.csv")
def values(frame: Framed, device_id: str, figure_id: str, since: str = "", until: str = "") -> Response:
    """The values of one figure as a file."""
    id_, reader = _device_id(device_id), _needed(frame)
    span = _span(frame, since, until)
    for _, schema, metric in _metrics(frame, reader, id_):
        if _figure_id(schema, metric) != figure_id:
            continue
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["slot", "value", "exp10", "flag", "readings", "sources"])
        for each in _observed(reader, schema, metric, _state(reader, id_), span):
            known = each.flag is not Quality.MISSING
            row = (rfc3339(each.slot, frame.zone), each.value if known else "", metric.exp10, written(each.flag))
            writer.writerow([*row, each.count, data_hex(each.sources)])
        headers = {"Content-Disposition": f'attachment; filename="{figure_id}.csv"'}
        return Response(text.getvalue(), 200, headers, media_type="text/csv; charset=utf-8")
    raise ProblemError("not-found", "no such figure of this device")


def _reader(frame: Frame) -> OracleReader | None:
    try:
        return frame.services.oracles.as_member(frame.services.drafting.keyring.signer(frame.principal.entity))
    except ProblemError:
        return None


def _needed(frame: Frame) -> OracleReader:
    return frame.services.oracles.as_member(frame.services.drafting.keyring.signer(frame.principal.entity))


def _covenants(frame: Frame, reader: OracleReader, facility: str = "") -> Iterator[tuple[bytes, Covenant]]:
    for each in frame.sight.every(Facility):
        if facility and data_hex(each.id) != facility:
            continue
        try:
            yield each.id, reader.covenant(each.id)
        except EvidenceMissing:
            continue


def _metrics(frame: Frame, reader: OracleReader, device: bytes) -> Iterator[tuple[Covenant, Schema, Metric]]:
    """The figures that a device takes part in, each schema once."""
    seen: set[bytes] = set()
    for _, covenant in _covenants(frame, reader):
        for schema in covenant.schemas:
            if schema.id in seen or device not in schema.devices:
                continue
            seen.add(schema.id)
            for metric in schema.metrics:
                places = (*metric.members, *metric.against)
                if any(schema.members[place].device == device for place in places):
                    yield covenant, schema, metric


def silent_devices(frame: Frame) -> list[Silent]:
    """Silent devices of the member's fleet and covenants; none are known when the oracles do not answer soon."""
    try:
        signer = frame.services.drafting.keyring.signer(frame.principal.entity)
        reader = frame.services.oracles.as_member(signer, GLANCE_SECONDS)
        found = reader.silent()
        measures = _measures([each for _, each in _covenants(frame, reader)]) if found else {}
    except (ProblemError, EvidenceMissing):
        return []
    return [
        Silent(", ".join(measures.get(device_, ())) or data_hex(device_), _time(frame, at))
        for device_, at in found.items()
    ]


def _measures(covenants: list[Covenant]) -> dict[bytes, list[str]]:
    """What each device of the covenants takes part in."""
    measures: dict[bytes, list[str]] = {}
    for schema in (schema for covenant in covenants for schema in covenant.schemas):
        for device_ in schema.devices:
            known = measures.setdefault(device_, [])
            known += [name for name in _measured(schema, device_) if name not in known]
    return measures


def _listed(frame: Frame, reader: OracleReader, covenants: list[Covenant]) -> Iterator[Listed]:
    silent = _silent(reader)
    for device_, names in sorted(_measures(covenants).items(), key=lambda each: (each[1], each[0])):
        state = _state(reader, device_)
        tag = Tag("warn", frame.say("silent")) if device_ in silent else Tag("good", frame.say("heard"))
        yield Listed(
            href=f"/devices/{data_hex(device_)}",
            id=data_hex(device_),
            measures=", ".join(names),
            heard=_time(frame, state.last_seen_ms),
            tag=Tag("act", frame.say("quarantined")) if state.quarantined else tag,
        )
    for device_ in silent.keys() - _measures(covenants).keys():
        at = _time(frame, silent[device_])
        yield Listed("", data_hex(device_), frame.say("of your fleet"), at, Tag("warn", frame.say("silent")))


def _silent(reader: OracleReader) -> dict[bytes, int | None]:
    try:
        return reader.silent()
    except EvidenceMissing:
        return {}


def _measured(schema: Schema, device: bytes) -> list[str]:
    """The metrics that a device takes part in."""
    return [
        metric.name
        for metric in schema.metrics
        if any(schema.members[place].device == device for place in (*metric.members, *metric.against))
    ]


def _state(reader: OracleReader, device: bytes) -> DeviceState:
    try:
        return reader.device(device)
    except EvidenceMissing:
        return DeviceState(None, None, None, quarantined=False, refusals=())


def _observed(
    reader: OracleReader, schema: Schema, metric: Metric, state: DeviceState, span: tuple[int | None, int | None]
) -> list[Observation]:
    """The metric's values in a span, by default the last ones up to what the device told last; oldest first."""
    step = schema.period_ms or EVENT_MS
    end = span[1] if span[1] is not None else (state.last_event_ms or 0) + step
    start = span[0] if span[0] is not None else max(0, end - SLOTS * step)
    try:
        found = reader.observations(schema.id, start, end)
    except EvidenceMissing:
        return []
    own = [each for each in found if (each.subject, each.metric) == (metric.subject, metric.id)]
    return sorted(own, key=lambda each: each.slot)


def _figure(
    frame: Frame,
    reader: OracleReader,
    covenant: Covenant,
    schema: Schema,
    metric: Metric,
    state: DeviceState,
    span: tuple[int | None, int | None],
) -> Figure:
    observed = _observed(reader, schema, metric, state, span)
    scale = 10.0**metric.exp10
    values = [None if each.flag is Quality.MISSING else each.value * scale for each in observed]
    points = [Point(each.slot, value, written(each.flag)) for each, value in zip(observed, values, strict=True)]
    step = schema.period_ms or EVENT_MS
    runs = [run for run in stretches(points, step) if run.state not in ("pass", "not-evaluated")]
    says = _says(frame, metric, observed, runs)
    labels = Labels(metric.name, f"{metric.name}: {says}", "", frame.zone)
    id_ = _figure_id(schema, metric)
    shown = [_value(frame, metric, each) for each in observed[-ROWS:]]
    return Figure(
        id=id_,
        name=metric.name,
        says=says,
        plot=series_svg(points, _thresholds(frame, covenant, schema, metric), labels, step),
        strip=strip_svg(points, step, frame.say("States of the values")),
        start=points[0].time if points else 0,
        end=points[-1].time + step if points else 0,
        abnormal=[_stretch(frame, run) for run in runs[-20:]],
        values=shown,
        left_out=len(observed) - len(shown),
        csv=f"{id_}.csv",
    )


def _thresholds(frame: Frame, covenant: Covenant, schema: Schema, metric: Metric) -> list[Threshold]:
    """The lines of the rules that look at this metric."""
    found: list[Threshold] = []
    for rule in covenant.rules:
        for condition in rule.conditions:
            if (condition.schema, condition.subject, condition.metric) == (schema.id, metric.subject, metric.id):
                words = {
                    "number": rule.index + 1,
                    "comparison": comparison(condition.comparator, frame.say),
                    "threshold": decimal(condition.threshold, metric.exp10, frame.language),
                }
                label = frame.say("rule %(number)d: %(comparison)s %(threshold)s") % words
                found.append(Threshold(condition.threshold * 10.0**metric.exp10, label))
    return found


def _says(frame: Frame, metric: Metric, observed: list[Observation], runs: list[Stretch]) -> str:
    known = [each for each in observed if each.flag is not Quality.MISSING]
    if not known:
        return frame.say("No agreed value in this span.")
    words = {
        "value": decimal(known[-1].value, metric.exp10, frame.language),
        "time": moment(known[-1].slot // 1000, frame.zone),
        "stretches": frame.count("%d abnormal stretch", "%d abnormal stretches", len(runs)) % len(runs),
    }
    return frame.say("Last %(value)s at %(time)s; %(stretches)s.") % words


def _stretch(frame: Frame, run: Stretch) -> tuple[str, Tag, int]:
    kinds = {"suspect": "warn", "fail": "act", "missing": "past"}
    first, last = (moment(each // 1000, frame.zone) for each in (run.start, run.end))
    return f"{first} – {last}", Tag(kinds[run.state], flag_words(run.state, frame.say)), run.count


def _value(frame: Frame, metric: Metric, observed: Observation) -> Value:
    state = written(observed.flag)
    return Value(
        time_ms=observed.slot,
        time=moment(observed.slot // 1000, frame.zone),
        value="" if observed.flag is Quality.MISSING else decimal(observed.value, metric.exp10, frame.language),
        state=state,
        words=flag_words(state, frame.say),
        readings=observed.count,
    )


def _heading(frame: Frame, state: DeviceState) -> str:
    if state.quarantined:
        return frame.say("The device contradicted itself: its readings no longer count")
    if state.last_seen_ms is None:
        return frame.say("The device was never heard")
    return frame.say("Last heard %s") % _time(frame, state.last_seen_ms)


def _figure_id(schema: Schema, metric: Metric) -> str:
    return f"f{schema.id.hex()[:8]}-{metric.subject.hex()[:6]}-{metric.id.hex()[:6]}"


def _time(frame: Frame, at: int | None) -> str:
    return "–" if at is None else moment(at // 1000, frame.zone)


def _span(frame: Frame, since: str, until: str) -> tuple[int | None, int | None]:
    """The span of a form's date fields, in the console's zone; what cannot be read is left open."""
    offset = frame.moment(0)[-6:]

    def read(text: str) -> int | None:
        try:
            return milliseconds(f"{text}:00{offset}" if len(text) == 16 else text) if text else None
        except ValueError:
            return None

    return read(since), read(until)


def _device_id(text: str) -> bytes:
    try:
        return read_data("device", text, 16)
    except HexError:
        raise ProblemError("not-found", "no such device") from None
