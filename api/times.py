"""Times between the formats of people, of the interface and of the chain. Pure."""

from datetime import datetime, tzinfo


def rfc3339(milliseconds: int, zone: tzinfo) -> str:
    """A time in ms as RFC 3339 with the zone's offset; milliseconds are shown when there are any."""
    moment = datetime.fromtimestamp(milliseconds // 1000, zone)
    if milliseconds % 1000:
        moment = moment.replace(microsecond=milliseconds % 1000 * 1000)
        return moment.isoformat(timespec="milliseconds")
    return moment.isoformat()


def milliseconds(text: str) -> int:
    """An RFC 3339 time as ms since 1970. Raises ValueError for a text without date, time and offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text:
        raise ValueError("must be a time with its offset (RFC 3339)")
    return round(moment.timestamp() * 1000)
