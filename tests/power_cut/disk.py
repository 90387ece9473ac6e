"""What a disk holds after its power was cut: all that was synced, and of the rest what chance has let through.

`shim.c` writes down what a process does to a folder; here it is done again on a model. A file keeps its last synced
content and the writes since, a folder its last synced names and the changes since. At a cut each of these may be on
the disk or not: none, all, those up to a moment, any of them, and of a write only some of its sectors of 512 bytes.
"""

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

SECTOR = 512
T = TypeVar("T")
_HEAD = struct.Struct("=IIQQ")


class Kind(StrEnum):
    """What was done; the letters of shim.c."""

    CREATE = "C"
    FOLDER = "M"
    WRITE = "W"
    SIZE = "T"
    SYNC = "S"
    LINK = "L"
    UNLINK = "U"
    RENAME = "R"
    TOLD = "P"
    UNKNOWN = "!"


@dataclass(frozen=True, slots=True)
class Event:
    """One operation. `file` is the number of the file (inode), `offset` a place or a size, `data` bytes or names."""

    kind: Kind
    file: int
    offset: int
    data: bytes


class Mode(StrEnum):
    """What of the unsynced a cut lets through."""

    NONE = "none"
    ALL = "all"
    FIRST = "first"
    SOME = "some"
    TORN = "torn"


class UnknownOperation(AssertionError):
    """The process did something to the folder that the shim cannot write down."""


def read_journal(path: Path) -> list[Event]:
    """The operations in order; one that was cut off at the end was never answered and is left out."""
    text, at, events = path.read_bytes(), 0, list[Event]()
    while at + _HEAD.size <= len(text):
        length, kind, file, offset = _HEAD.unpack_from(text, at)
        at += _HEAD.size + length
        if at <= len(text):
            events.append(Event(Kind(chr(kind)), file, offset, text[at - length : at]))
    return events


@dataclass(eq=False, slots=True)
class File:
    """A file's last synced content, and what was done since: bytes at a place, or None for a new size."""

    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def content(self, done: Sequence[tuple[int, bytes | None]]) -> bytes:
        """What is in the file when only these of the changes were made."""
        made = bytearray(self.synced)
        for offset, data in done:
            if data is None:
                del made[offset:]
            end = offset if data is None else offset + len(data)
            made.extend(bytes(max(0, end - len(made))))
            if data is not None:
                made[offset:end] = data
        return bytes(made)

    def sync(self) -> None:
        self.synced, self.since = self.content(self.since), []


@dataclass(eq=False, slots=True)
class Folder:
    """A folder's last synced names, its names now, and the changes in between; None takes a name away."""

    synced: "dict[str, Node]" = field(default_factory=dict)
    now: "dict[str, Node]" = field(default_factory=dict)
    since: "list[dict[str, Node | None]]" = field(default_factory=list)

    def change(self, names: "dict[str, Node | None]") -> None:
        self.since.append(names)
        _change(self.now, names)

    def content(self, done: "Sequence[dict[str, Node | None]]") -> "dict[str, Node]":
        """The names when only these of the changes were made."""
        made = dict(self.synced)
        for names in done:
            _change(made, names)
        return made

    def sync(self) -> None:
        self.synced, self.since = dict(self.now), []


Node = File | Folder
Image = dict[str, bytes | None]
"""A folder's files by their path in it; None is a folder."""


class Disk:
    """A folder on the disk. It begins with what is in the folder, all of it synced."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_number: dict[int, Node] = {}
        self._top = self._load(root)

    def apply(self, event: Event) -> None:
        """Do again what was done. Raises UnknownOperation."""
        match event.kind:
            case Kind.CREATE | Kind.FOLDER:
                made = File() if event.kind is Kind.CREATE else Folder()
                self._by_number[event.file] = made
                self._rename({event.data: made})
            case Kind.WRITE | Kind.SIZE:
                data = event.data if event.kind is Kind.WRITE else None
                self._file(event.file).since.append((event.offset, data))
            case Kind.SYNC:
                self._by_number[event.file].sync()
            case Kind.LINK:
                self._rename({event.data: self._by_number[event.file]})
            case Kind.UNLINK:
                self._rename({event.data: None})
            case Kind.RENAME:
                old, _, new = event.data.partition(b"\0")
                folder, name = self._place(old)
                self._rename({old: None, new: folder.now[name]})
            case Kind.UNKNOWN:
                raise UnknownOperation(event.data.decode())
            case Kind.TOLD:
                pass

    def whole(self) -> Image:
        """All that was done, as after a kill without a cut."""
        return self.cut(random.Random(0), Mode.ALL)

    def cut(self, chance: random.Random, mode: Mode) -> Image:
        """What the disk holds when the power is cut now."""
        return dict(_image(self._top, "", chance, mode))

    def _load(self, path: Path) -> Node:
        node: Node = File(path.read_bytes()) if path.is_file() else Folder()
        if isinstance(node, Folder):
            node.synced = {each.name: self._load(each) for each in path.iterdir()}
            node.now = dict(node.synced)
        self._by_number[path.stat().st_ino] = node
        return node

    def _file(self, number: int) -> File:
        node = self._by_number[number]
        assert isinstance(node, File)
        return node

    def _rename(self, names: dict[bytes, Node | None]) -> None:
        places = [(*self._place(path), node) for path, node in names.items()]
        if len({id(folder) for folder, _, _ in places}) != 1:
            raise UnknownOperation("a rename from folder to folder")
        places[0][0].change({name: node for _, name, node in places})

    def _place(self, path: bytes) -> tuple[Folder, str]:
        """The folder that a path lies in, and its name there."""
        *folders, name = Path(path.decode()).relative_to(self._root).parts
        found: Node = self._top
        for each in folders:
            assert isinstance(found, Folder)
            found = found.now[each]
        assert isinstance(found, Folder)
        return found, name


def write_image(image: Image, folder: Path) -> None:
    """Make the folder that an image shows."""
    folder.mkdir(parents=True)
    for path, content in image.items():
        if content is None:
            (folder / path).mkdir(parents=True)
        else:
            # A key that others may read is refused; the shim does not follow modes.
            (folder / path).write_bytes(content)
            (folder / path).chmod(0o600)


def _change(names: dict[str, Node], changes: "dict[str, Node | None]") -> None:
    for name, node in changes.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _image(folder: Folder, prefix: str, chance: random.Random, mode: Mode) -> Iterator[tuple[str, bytes | None]]:
    for name, node in folder.content(_left(folder.since, chance, mode)).items():
        path = prefix + name
        if isinstance(node, Folder):
            yield path, None
            yield from _image(node, path + "/", chance, mode)
        else:
            since = [part for each in node.since for part in _sectors(each)] if mode is Mode.TORN else node.since
            yield path, node.content(_left(since, chance, mode))


def _left(since: Sequence[T], chance: random.Random, mode: Mode) -> Sequence[T]:
    match mode:
        case Mode.NONE:
            return []
        case Mode.ALL:
            return since
        case Mode.FIRST:
            return since[: chance.randint(0, len(since))]
        case Mode.SOME | Mode.TORN:
            return [each for each in since if chance.random() < 0.5]


def _sectors(change: tuple[int, bytes | None]) -> Iterator[tuple[int, bytes | None]]:
    offset, data = change
    if data is None:
        yield change
        return
    start = 0
    while start < len(data):
        end = min(len(data), start + SECTOR - (offset + start) % SECTOR)
        yield offset + start, data[start:end]
        start = end
