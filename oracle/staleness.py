"""When a device counts as silent: one rule for an oracle's figures and for whom it tells. Pure.

Most devices may store and forward, so that a slot waits for them without end and nothing is judged. That a device is
silent therefore decides nothing; it is told, so that somebody looks at the cable.
"""

from collections.abc import Callable, Iterable

from oracle.formats.schema import Schema

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def patience_ms(schema: Schema) -> int:
    """How long nothing may arrive of a device: two periods with their lateness, an hour at least; a day of events."""
    return max(2 * (schema.period_ms + schema.lateness_ms), HOUR_MS) if schema.period_ms else DAY_MS


def silent(schemas: Iterable[Schema], arrived: Callable[[bytes], int | None], now_ms: int) -> dict[bytes, int | None]:
    """The silent devices of schemas, in order of their ids, with when something arrived of each last (None: never).

    A device of several schemas is silent by the least patience of them.
    """
    patience: dict[bytes, int] = {}
    for schema in schemas:
        allowed = patience_ms(schema)
        for device in schema.devices:
            patience[device] = min(allowed, patience.get(device, allowed))
    last = {device: arrived(device) for device in sorted(patience)}
    return {device: at for device, at in last.items() if at is None or now_ms - at > patience[device]}
