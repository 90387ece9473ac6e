"""Daylight at a place: from sunrise to sunset (astral), in whole minutes of the file's clock."""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from astral import Observer
from astral.sun import elevation, sunrise, sunset

from oracle.formats.metric import DAY_MS
from oracle.formats.schema import Zone

Span = tuple[int, int]
"""From a millisecond up to and without another."""
_EPOCH = date(1970, 1, 1)
_MINUTE_MS = 60_000


def daylight(zone: Zone, window: Span, margin_ms: int) -> list[Span]:
    """The parts of `window` between sunrise + margin and sunset - margin of each day, in order."""
    start, end = window
    offset = zone.utc_offset_min * _MINUTE_MS
    spans: list[Span] = []
    for day in range((start + offset) // DAY_MS - 1, (end - 1 + offset) // DAY_MS + 2):
        rise, fall = _day(zone, day)
        span = max(start, rise + margin_ms), min(end, fall - margin_ms)
        if spans and span[0] < spans[-1][1]:
            span = spans[-1][1], span[1]
        if span[0] < span[1]:
            spans.append(span)
    return spans


@lru_cache(maxsize=4096)
def _day(zone: Zone, day: int) -> Span:
    """Sunrise and sunset of a local day, numbered from 1970; cut to whole minutes, as the formula is no better."""
    here = Observer(zone.lat_e6 / 1_000_000, zone.lon_e6 / 1_000_000)
    clock = timezone(timedelta(minutes=zone.utc_offset_min))
    local = _EPOCH + timedelta(days=day)
    midnight = day * DAY_MS - zone.utc_offset_min * _MINUTE_MS
    try:
        rise, fall = sunrise(here, local, tzinfo=clock), sunset(here, local, tzinfo=clock)
    except ValueError:
        noon = datetime.fromtimestamp((midnight + DAY_MS // 2) / 1000, UTC)
        return (midnight, midnight + DAY_MS) if elevation(here, noon) > 0 else (midnight, midnight)
    return _minutes(rise), _minutes(fall)


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp()) // 60 * _MINUTE_MS
