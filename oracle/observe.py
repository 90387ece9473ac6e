"""From verified segments to observations: pure, so that oracle, verifier and replay get the same numbers.

docs/formats/observation.md defines windows, aggregates, flags, sources and salts. Numbers are exact: readings become
integers of one exponent, results are rounded once, half to even.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from oracle.aggregate import Hearing, Question, Said, count, measure
from oracle.daylight import Span, daylight
from oracle.formats.metric import Metric
from oracle.formats.observation import HIGHEST, LOWEST, Observation, Place, salt_of, sources_of
from oracle.formats.schema import Kind, Schema
from oracle.formats.segment import Quality, SignedSegment

Streams = Mapping[bytes, Sequence[SignedSegment]]
"""By device, its verified segments in the order of seq; more than needed does no harm."""


def observe(schema: Schema, slot: int, streams: Streams) -> tuple[Observation, ...]:
    """The observations of one slot, in the order of the schema's metrics. Raises ValueError when it is no slot."""
    if not schema.is_slot(slot):
        raise ValueError(f"slot {slot} is not the start of a slot of {schema.name}")
    return tuple(_observe(schema, metric, slot, streams) for metric in schema.metrics)


def window_of(schema: Schema, metric: Metric, slot: int) -> Span:
    """From which event time, with the look back, up to and without which one a metric takes readings."""
    start, end = schema.window(slot)
    return start - metric.lookback_ms, end


def closing_ms(schema: Schema, slot: int) -> int:
    """A stream has passed the slot when its last event time reaches this."""
    end = schema.window(slot)[1] if schema.kind is Kind.PERIOD else slot
    return end + schema.lateness_ms


def event_slots(schema: Schema, segment: SignedSegment) -> list[int]:
    """The slots that a segment opens in an event schema: the times of its readings on the triggers' channels."""
    channels = _channels(schema, schema.triggers).get(segment.content.device, frozenset())
    times = {segment.content.t0_ms + each.dt_ms for each in segment.content.readings if each.channel in channels}
    return sorted(time for time in times if schema.is_slot(time))


def contributing(schema: Schema, metric: Metric, slot: int, streams: Streams) -> list[SignedSegment]:
    """The segments an observation rests on, by device and seq: those with a reading of a member in the window.

    Where nothing said is a count of 0, also the first segment of each device that has passed the slot.
    """
    window, closing = window_of(schema, metric, slot), closing_ms(schema, slot)
    chosen: list[SignedSegment] = []
    for device, channels in sorted(_channels(schema, metric.members + metric.against).items()):
        stream = streams.get(device, ())
        first = bisect_left(stream, window[0], key=lambda each: each.content.last_ms)
        closed = not metric.aggregate.counts
        for segment in stream[first:]:
            if segment.content.first_ms >= window[1] and closed:
                break
            closes = not closed and segment.content.last_ms >= closing
            if closes or _speaks(segment, channels, window):
                chosen.append(segment)
            closed = closed or closes
    return chosen


def _speaks(segment: SignedSegment, channels: frozenset[int], window: Span) -> bool:
    t0 = segment.content.t0_ms
    return any(
        each.channel in channels and window[0] <= t0 + each.dt_ms < window[1] for each in segment.content.readings
    )


def _channels(schema: Schema, places: Iterable[int]) -> dict[bytes, frozenset[int]]:
    found: dict[bytes, frozenset[int]] = {}
    for place in places:
        member = schema.members[place]
        found[member.device] = found.get(member.device, frozenset()) | {member.channel}
    return found


def _observe(schema: Schema, metric: Metric, slot: int, streams: Streams) -> Observation:
    segments = contributing(schema, metric, slot, streams)
    window, margin = window_of(schema, metric, slot), metric.daylight_margin_ms
    spans = [window] if margin is None else daylight(schema.zone, window, margin)
    question = Question(metric, schema.window(slot), window, tuple(spans))
    heard = [_hear(schema, place, question, segments, slot) for place in metric.members]
    against = [_hear(schema, place, question, segments, slot) for place in metric.against]
    outcome = count(question, heard, against) if metric.aggregate.counts else measure(question, heard)
    value, flag = round(outcome.value), outcome.flag
    if not LOWEST <= value <= HIGHEST:
        value, flag = 0, Quality.FAIL
    place = Place(schema.id, slot, metric.subject, metric.id)
    sources, salt = sources_of(segments), salt_of(place, segments, schema.salt)
    return Observation(*place, value, flag, outcome.count, sources, salt)


def _hear(schema: Schema, place: int, question: Question, segments: Sequence[SignedSegment], slot: int) -> Hearing:
    """What one member said within the question's spans, without the readings that the device itself calls missing."""
    member, closing = schema.members[place], closing_ms(schema, slot)
    said: list[Said] = []
    closed = False
    for segment in segments:
        if segment.content.device != member.device:
            continue
        closed = closed or segment.content.last_ms >= closing
        t0 = segment.content.t0_ms
        for dt_ms, channel, value, exp10, quality in segment.content.readings:
            if channel == member.channel and quality != Quality.MISSING and question.asks(t0 + dt_ms):
                said.append(Said(t0 + dt_ms, value, exp10, quality))
    return Hearing(member, tuple(said), closed)
