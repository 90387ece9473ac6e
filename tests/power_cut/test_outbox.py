"""The outbox: an act that was submitted happens, and happens once, whatever the outbox's disk has forgotten."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ledger_node.embedded.provider import chain_in_directory
from tests.power_cut.kit import SEEDS, check_component, check_unsynced, corrupt
from tests.power_cut.outbox_process import COUNT, PLACE, SEALER, SENDER, target


class Sender:
    """Submits acts to a chain that stays, and waits until they are final."""

    def __init__(self, chain: Path) -> None:
        self.command = ("tests.power_cut.outbox_process", str(chain))

    def broken(self, folder: Path, told: Sequence[str]) -> list[str]:
        if not told:
            return []
        try:
            with closing(sqlite3.connect(folder / PLACE)) as database:
                acts = dict(database.execute("SELECT key, transaction_hash FROM acts"))
                stored = {each for (each,) in database.execute("SELECT hash FROM sendings")}
        except sqlite3.Error as error:
            return [f"{type(error).__name__}: {error}"]
        found: list[str] = []
        for what, *values in map(str.split, told):
            hash_ = bytes.fromhex(values[-1])
            if hash_ not in stored or (what == "submitted" and acts.get(f"act {values[0]}") != hash_):
                found.append(what)
        return found + corrupt(folder / PLACE)

    def digest(self, folder: Path) -> object:
        with closing(sqlite3.connect(folder / PLACE)) as database:
            return database.execute("SELECT key, status, settled FROM acts ORDER BY key").fetchall()


def happened(chain_folder: Path) -> list[int]:
    """How often each act is on the chain."""
    chain = chain_in_directory(chain_folder, signer=SEALER)
    blocks = [chain.store.block_transactions(number) for number in range(chain.head.number + 1)]
    sent = [each.raw for block in blocks for each in block if each.sender == SENDER.address]
    chain.close()
    return [sum(target(number) in raw for raw in sent) for number in range(COUNT)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "outbox"
    made.mkdir()
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_each_act_happens_once_after_any_cut(shim: str, folder: Path, tmp_path: Path, seed: int) -> None:
    check_component(Sender(tmp_path / "chain"), shim, folder, tmp_path, seed)
    # Once by the process that was left undisturbed, once by those that lost their power.
    assert happened(tmp_path / "chain") == [2] * COUNT


def test_without_syncing_an_act_that_was_broadcast_is_forgotten(shim: str, folder: Path, tmp_path: Path) -> None:
    check_unsynced(Sender(tmp_path / "chain"), shim, folder, tmp_path)
