"""Canonical JSON (RFC 8785) without fractions: one value has one text, so a digest of it has one meaning."""

import json
import re
from collections import Counter
from typing import cast

import rfc8785

JsonValue = None | bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]
"""What Cangdan's files hold: no floats; integers within 2**53 - 1, greater ones are texts."""
MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 64
"""How deep objects and lists may be nested."""
_TOKEN = re.compile(rb'[\[\]{}"]|\\.', re.DOTALL)


class JsonError(ValueError):
    """A text or value is not the JSON that a file format allows; the message names the rule."""


def dumps(value: object) -> bytes:
    """The canonical UTF-8 text of `value`. Raises JsonError for floats, great integers and lone surrogates."""
    _refuse_floats(value)
    try:
        return rfc8785.dumps(cast("JsonValue", value))
    except UnicodeEncodeError:
        raise JsonError("not canonical JSON: a text holds half of a surrogate pair") from None
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise JsonError(f"not canonical JSON: {error}") from None


def loads(text: bytes, *, canonical: bool = False) -> JsonValue:
    """The value of UTF-8 `text`; with `canonical`, the text must be byte for byte what `dumps` writes.

    Raises JsonError for duplicate keys, floats, NaN, integers over 2**53 - 1, lone surrogates, bad UTF-8,
    more than 64 levels.
    """
    _refuse_depth(text)
    try:
        value: JsonValue = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except UnicodeDecodeError:
        raise JsonError("text is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    again = dumps(value)
    if canonical and again != text:
        raise JsonError("text is not canonical (RFC 8785)")
    return value


def _refuse_depth(text: bytes) -> None:
    """Counted before the parser runs: deep nesting can overflow the C stack under it."""
    depth, in_text = 0, False
    for token in _TOKEN.findall(text):
        if token == b'"':
            in_text = not in_text
        elif not in_text and token in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonError("values are nested too deep")
        elif not in_text and token in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise JsonError(f"key {twice!r} stands twice in one object")
    return result


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise JsonError("an integer is over 2**53 - 1; write it as a text")
    return int(digits)


def _no_float(digits: str) -> JsonValue:
    raise JsonError(f"number {digits[:20]} is not an integer")


def _refuse_floats(value: object) -> None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, float):
            raise JsonError(f"number {each} is not an integer")
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
