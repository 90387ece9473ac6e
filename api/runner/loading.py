"""Loading the packs that show the product into a running stack: each once, whatever is stopped and started again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from api.runner.kept import (
    LOADING_FILE,
    OUTCOME_FILE,
    Loading,
    attempts_of,
    evidence_of,
    lock_of_loader,
    progress_file,
)
from api.runner.pack import Pack, load
from api.runner.pack_parts import GoodsUnit, Receipt
from api.runner.pack_steps import PlayStreams
from api.runner.results import Outcome
from api.runner.run import Wish, find, perform
from api.supervisor import lockfile
from ledger_node.files import make_folder, replace_atomically, replace_unsynced

_TELLS_BESIDE_STEPS = 2
_RFID_LOT_BITS = 16
"""Tags of one load differ in their last digits."""


class AlreadyLoading(Exception):
    """Another command is loading packs into this state directory."""


@contextmanager
def loader(home: Path) -> Iterator[None]:
    """Be the one process that loads packs into a state directory. Raises AlreadyLoading."""
    lock = lockfile.take(lock_of_loader(home))
    if lock is None:
        raise AlreadyLoading
    try:
        lockfile.name_holder(lock, os.getpid())
        yield
    finally:
        progress_file(home).unlink(missing_ok=True)
        os.close(lock)


def load_pack(home: Path, name: str) -> Outcome:
    """Play a pack on the stack that runs in a state directory, and keep what came of it; for the `loader`.

    An interrupted pack is played anew with other goods, since the first ones may be under receipts already. Raises
    what playing raises.
    """
    folder, path = evidence_of(home, name), find(name)
    attempt = attempts_of(home, name) + 1
    pack = goods_of_attempt(load(path), attempt)
    make_folder(folder, 0o700)
    replace_atomically(folder / LOADING_FILE, f"{attempt}\n".encode())
    total, done = _tells(pack), 0

    def count(text: str) -> None:
        nonlocal done
        done += 1
        _tell(home, Loading(done, total, f"{name}: {text}"))

    outcome = perform(home, pack, path.parent, Wish(), folder, count)
    replace_atomically(folder / OUTCOME_FILE, json.dumps(outcome.to_json(), ensure_ascii=False, indent=1).encode())
    (folder / LOADING_FILE).unlink()
    return outcome


def goods_of_attempt(pack: Pack, attempt: int) -> Pack:
    """The pack itself at the first attempt; later the same goods under other labels, in other places."""
    if attempt == 1:
        return pack
    return pack.model_copy(update={"receipts": {key: _other(each, attempt) for key, each in pack.receipts.items()}})


def _other(receipt: Receipt, attempt: int) -> Receipt:
    place = receipt.content["storagePlace"]
    moved = {**place, "bin": f"{place.get('bin', '')} load {attempt}".strip()}
    units = [unit.model_copy(update={"label": _label(unit, attempt)}) for unit in receipt.units]
    return receipt.model_copy(update={"units": units, "content": {**receipt.content, "storagePlace": moved}})


def _label(unit: GoodsUnit, attempt: int) -> str:
    """RFID numbers are hexadecimal digits of one length; heat and serial numbers may grow."""
    if unit.kind != "rfid":
        return f"{unit.label}-{attempt}"
    raised = int(unit.label, 16) + (attempt - 1 << _RFID_LOT_BITS)
    return f"{raised:0{len(unit.label)}X}"


def _tells(pack: Pack) -> int:
    """How often playing the whole pack tells of itself."""
    taken = [step for step in pack.steps if not step.unless]
    return _TELLS_BESIDE_STEPS + len(taken) + sum(isinstance(step, PlayStreams) for step in taken)


def _tell(home: Path, progress: Loading) -> None:
    replace_unsynced(progress_file(home), json.dumps(asdict(progress)).encode())
