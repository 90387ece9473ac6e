"""The embedded ledger: whoever has a transaction's hash may forget the transaction, for the ledger has it."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.errors import LedgerError
from ledger_node.embedded.files import open_files
from ledger_node.embedded.store import FILE_NAME
from tests.power_cut.kit import SEEDS, check_component, check_unsynced, corrupt
from tests.power_cut.ledger_process import COUNT, PEOPLE, PLACE


class Ledger:
    """Founds itself, then takes the transactions of two people and seals them."""

    command = ("tests.power_cut.ledger_process",)

    def broken(self, folder: Path, told: Sequence[str]) -> list[str]:
        try:
            chain = opened(folder)
        except (sqlite3.Error, LedgerError) as error:
            return [f"{type(error).__name__}: {error}"]
        # What waits is sealed, as the sealer would: an answered transaction is executed.
        while chain.waiting:
            chain.seal()
        found = [line for line in told if not holds(chain, line)]
        chain.close()
        return found + corrupt(folder / PLACE / FILE_NAME)

    def digest(self, folder: Path) -> object:
        chain = opened(folder)
        root = chain.head.header.state_root
        chain.close()
        return root


def opened(folder: Path) -> EmbeddedChain:
    return EmbeddedChain(folder / PLACE, *open_files(folder / PLACE))


def holds(chain: EmbeddedChain, line: str) -> bool:
    what, *values = line.split()
    if what == "sealer":
        return chain.genesis.sealer == bytes.fromhex(values[0][2:])
    if what == "sent":
        mined = chain.store.transaction(bytes.fromhex(values[0][2:]))
        return mined is not None and mined.succeeded
    block = chain.store.block_by_number(int(values[0]))
    return block is not None and block.hash == bytes.fromhex(values[1][2:])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ledger"
    made.mkdir()
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_answered_is_executed_after_any_cut(shim: str, folder: Path, tmp_path: Path, seed: int) -> None:
    check_component(Ledger(), shim, folder, tmp_path, seed)
    chain = opened(folder)
    assert [chain.pending_nonce(bytes.fromhex(person.address[2:])) for person in PEOPLE] == [COUNT, COUNT]
    chain.close()


def test_without_syncing_a_hash_is_worth_nothing(shim: str, folder: Path, tmp_path: Path) -> None:
    check_unsynced(Ledger(), shim, folder, tmp_path)
