"""Reading the objects of Cangdan's JSON files strictly: each field named once, of one type, none unknown."""

import re
from collections.abc import Callable
from typing import TypeVar

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import HexError, data_hex, read_data

_DIGITS = re.compile(r"0\Z|-?[1-9][0-9]{0,19}\Z")
T = TypeVar("T")


class FieldError(ValueError):
    """A field of a file breaks a rule; the text is `path: rule`, never the value."""


class Fields:
    """The members of one JSON object; each is taken by name, and `end` refuses what nobody took."""

    def __init__(self, value: JsonValue, path: str) -> None:
        if not isinstance(value, dict):
            raise FieldError(f"{path}: must be an object")
        self._value = value
        self._taken: set[str] = set()
        self.path = path

    def at(self, name: str) -> str:
        """The path of a member, for errors."""
        return f"{self.path}.{name}"

    def has(self, name: str) -> bool:
        """Whether the member is there."""
        return name in self._value

    def take(self, name: str) -> JsonValue:
        """The raw member. Raises FieldError when it is missing."""
        if name not in self._value:
            raise FieldError(f"{self.at(name)}: is missing")
        self._taken.add(name)
        return self._value[name]

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`; absent it is `default`, when there is one."""
        if default is not None and not self.has(name):
            return default
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise FieldError(f"{self.at(name)}: must be a whole number from {low} to {high}")
        return value

    def long(self, name: str, low: int, high: int) -> int:
        """A whole number written as a decimal text, as numbers over 2**53 - 1 are."""
        value = self.take(name)
        if not isinstance(value, str) or not _DIGITS.match(value) or not low <= int(value) <= high:
            raise FieldError(f"{self.at(name)}: must be a text with a whole number from {low} to {high}")
        return int(value)

    def text(self, name: str, longest: int = 200, *, empty: bool = False) -> str:
        """A text of at most `longest` characters, not empty unless `empty`."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) > longest or not (value or empty):
            raise FieldError(f"{self.at(name)}: must be a text of {0 if empty else 1} to {longest} characters")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false; absent it is `default`, when there is one."""
        if default is not None and not self.has(name):
            return default
        value = self.take(name)
        if not isinstance(value, bool):
            raise FieldError(f"{self.at(name)}: must be true or false")
        return value

    def data(self, name: str, size: int) -> bytes:
        """`size` bytes written as lower-case 0x hexadecimal."""
        value = self.take(name)
        try:
            data = read_data(self.at(name), value, size)
        except HexError as error:
            raise FieldError(str(error)) from None
        if value != data_hex(data):
            raise FieldError(f"{self.at(name)}: must be in lower case")
        return data

    def word(self, name: str, kind: Callable[[str], T], words: list[str]) -> T:
        """One of a list of words, as the value of an enumeration."""
        value = self.take(name)
        if not isinstance(value, str) or value not in words:
            raise FieldError(f"{self.at(name)}: must be one of {', '.join(words)}")
        return kind(value)

    def items(self, name: str, most: int, *, fewest: int = 0, optional: bool = False) -> list[JsonValue]:
        """A list of `fewest` to `most` members; absent and `optional` it is empty."""
        if optional and not self.has(name):
            return []
        value = self.take(name)
        if not isinstance(value, list) or not fewest <= len(value) <= most:
            raise FieldError(f"{self.at(name)}: must be a list of {fewest} to {most} members")
        return value

    def integers(self, name: str, low: int, high: int, most: int, *, optional: bool = False) -> tuple[int, ...]:
        """A list of different whole numbers from `low` to `high`."""
        values = self.items(name, most, optional=optional)
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise FieldError(f"{self.at(name)}: members must be whole numbers from {low} to {high}")
        result = tuple(value for value in values if isinstance(value, int))
        if len(set(result)) != len(result):
            raise FieldError(f"{self.at(name)}: a member stands twice")
        return result

    def texts(self, name: str, most: int, longest: int, *, optional: bool = False) -> tuple[str, ...]:
        """A list of different texts of 1 to `longest` characters."""
        values = self.items(name, most, optional=optional)
        for value in values:
            if not isinstance(value, str) or not 0 < len(value) <= longest:
                raise FieldError(f"{self.at(name)}: members must be texts of 1 to {longest} characters")
        result = tuple(value for value in values if isinstance(value, str))
        if len(set(result)) != len(result):
            raise FieldError(f"{self.at(name)}: a member stands twice")
        return result

    def inner(self, name: str) -> "Fields":
        """The object that stands under `name`."""
        return Fields(self.take(name), self.at(name))

    def end(self) -> None:
        """Raises FieldError when a member was not taken."""
        for name in self._value:
            if name not in self._taken:
                raise FieldError(f"{self.at(name)}: is unknown")


def objects(fields: Fields, name: str, most: int, *, fewest: int = 0) -> list[Fields]:
    """The objects of a list, each with its path."""
    values = fields.items(name, most, fewest=fewest)
    return [Fields(value, f"{fields.at(name)}[{number}]") for number, value in enumerate(values)]
