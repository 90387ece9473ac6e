"""Outboxes of members: what was accepted before the process was killed is seen to after its start."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.problems import ProblemError
from api.runner.settling import wait_for
from api.sending import Outboxes
from ledger_node import secp256k1
from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess, running_ledger
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Status

ROOT = Path(__file__).parents[2]
ENTITY = 7


class OneKey:
    """A keyring that holds the key of one member."""

    def __init__(self, signer: LocalSigner) -> None:
        self._signer = signer

    def signer(self, entity: int) -> LocalSigner:
        if entity != ENTITY:
            raise ProblemError("conflict", "no key")
        return self._signer


@pytest.fixture(scope="module")
def plain_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerProcess]:
    with running_ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        yield ledger


@pytest.fixture
def killed(plain_ledger: LedgerProcess, tmp_path: Path) -> LocalSigner:
    """The key of a sender that was killed after it had accepted an act and before the node heard of it."""
    key = secp256k1.generate()
    (tmp_path / "key").write_text(key.hex())
    script = ROOT / "tests/ledger_node/outbox_child.py"
    command = [sys.executable, str(script), str(tmp_path), plain_ledger.http, "1", "before 1"]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    (tmp_path / "outbox.sqlite").rename(tmp_path / f"outbox-{ENTITY}.db")
    for end in ("-wal", "-shm"):
        if (tmp_path / f"outbox.sqlite{end}").exists():
            (tmp_path / f"outbox.sqlite{end}").rename(tmp_path / f"outbox-{ENTITY}.db{end}")
    return LocalSigner(key)


@contextmanager
def running(outboxes: Outboxes) -> Iterator[None]:
    thread = threading.Thread(target=outboxes.run)
    thread.start()
    try:
        yield
    finally:
        outboxes.stop()
        thread.join()


def outboxes_of(folder: Path, url: str, signer: LocalSigner) -> Outboxes:
    return Outboxes(folder, ChainClient(url), OneKey(signer), lambda name: bytes(20), 0)


def test_an_outbox_whose_member_has_no_key_here_does_not_keep_the_others_asleep(
    plain_ledger: LedgerProcess, killed: LocalSigner, tmp_path: Path
) -> None:
    (tmp_path / "outbox-3.db").write_bytes((tmp_path / f"outbox-{ENTITY}.db").read_bytes())
    (tmp_path / "outbox-4.db").write_bytes(b"no database")
    client = ChainClient(plain_ledger.http)
    with running(outboxes_of(tmp_path, plain_ledger.http, killed)):
        wait_for(lambda: client.nonce(killed.address), "the act")


def test_what_was_accepted_before_a_kill_is_sent_though_nobody_asks(
    plain_ledger: LedgerProcess, killed: LocalSigner, tmp_path: Path
) -> None:
    client = ChainClient(plain_ledger.http)
    assert client.nonce(killed.address) == 0
    outboxes = outboxes_of(tmp_path, plain_ledger.http, killed)
    with running(outboxes):
        wait_for(lambda: client.nonce(killed.address), "the act")
        sent = wait_for(lambda: outboxes.find(ENTITY, "act 0"), "the act in the outbox")
        assert sent.status in (Status.SUBMITTED, Status.FINAL)
    assert client.nonce(killed.address) == 1


def test_while_no_node_answers_it_stays_asleep_and_is_woken_later(
    plain_ledger: LedgerProcess, killed: LocalSigner, tmp_path: Path
) -> None:
    client, outboxes = ChainClient(plain_ledger.http), outboxes_of(tmp_path, "http://127.0.0.1:1", killed)
    with running(outboxes):
        assert outboxes.statuses()[ENTITY].pending > 0
        assert client.nonce(killed.address) == 0
        outboxes._client = client
        wait_for(lambda: client.nonce(killed.address), "the act")
