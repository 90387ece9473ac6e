"""How deep calls may nest in a process that reads what strangers send.

py_ecc, which eth-account brings, raises the interpreter's limit to 100,000 when it is imported. Python's own JSON
parser counts on that limit to stop before the C stack is full: without it, a body of brackets ends the process.
"""

import sys
from importlib import import_module

DEPTH = 1000
"""Python's own default."""


def bound_recursion() -> None:
    """Bring the limit back for good; to be called when a server starts."""
    import_module("py_ecc")  # it raises the limit once, so not later
    sys.setrecursionlimit(DEPTH)
