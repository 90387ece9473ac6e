"""W3C trace context: the trace that a request belongs to. Pure."""

import re
import secrets
from dataclasses import dataclass

_PARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace and this request's span in it."""

    trace: str
    span: str
    flags: str

    @property
    def header(self) -> str:
        """The traceparent that names this request."""
        return f"00-{self.trace}-{self.span}-{self.flags}"


def read_trace(header: str | None) -> Trace | None:
    """The trace that a traceparent header names, with a span for this request; None where there is no valid one."""
    found = _PARENT.fullmatch(header or "")
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    if not int(found[2], 16) or not int(found[3], 16):
        return None
    return Trace(found[2], secrets.token_hex(8), "01" if int(found[4], 16) & 1 else "00")
