"""JSON between oracles and on their disks: plain, as nothing is hashed or signed in this form.

What comes in is read field by field by its format, so a text may be written in any way that means the same.
"""

import json

from ledger_node.canonical_json import JsonError, JsonValue


def dump(value: JsonValue) -> bytes:
    """The UTF-8 text of a value."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def load(text: bytes) -> JsonValue:
    """The value of a UTF-8 text. Raises JsonError."""
    try:
        value: JsonValue = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise JsonError("text is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits is no JSONDecodeError but a plain ValueError of Python.
        raise JsonError(f"not JSON: {error}") from None
    return value
