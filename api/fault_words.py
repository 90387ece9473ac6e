"""What a log says of a fault: type, message without what may be secret, and the line that it came from."""

import re
import traceback
from pathlib import Path

from sqlalchemy.exc import StatementError

_ADDRESS = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://\S+")
_TOKEN = re.compile(r"[A-Za-z0-9+/_=.-]{24,}")
_LONGEST = 300


def fault_words(fault: BaseException) -> str:
    """One line. Left out: addresses, whatever is as long as a key or token, what a statement was given."""
    said = fault.orig if isinstance(fault, StatementError) and fault.orig is not None else fault
    text = _TOKEN.sub("(left out)", _ADDRESS.sub("(address)", " ".join(str(said).split())))[:_LONGEST]
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(fault).__name__}: {text}{place}" if text else f"{type(fault).__name__}{place}"
