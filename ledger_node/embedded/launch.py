"""A ledger process with a life of its own, for tools and tests of other packages.

It runs `python -m ledger_node.embedded.launch`, which serves one directory until SIGTERM.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_node.embedded.errors import LedgerError
from ledger_node.embedded.files import GENESIS_FILE, open_files
from ledger_node.embedded.sealer import Pace
from ledger_node.embedded.server import ServerSettings, listening, serve
from ledger_node.genesis import DEFAULT_CHAIN_ID, Genesis, Prefund, load_genesis

START_SECONDS = 60.0
QUICK_PACE = Pace(interval=0.05, idle=0)
"""Blocks at once when transactions come, and none without."""
LOG_FILE = "ledger.log"


@dataclass(frozen=True, slots=True)
class LedgerProcess:
    """A running ledger. `http` and `ws` are its addresses, `directory` keeps everything of it."""

    process: subprocess.Popen[bytes]
    directory: Path
    genesis: Genesis
    port: int

    @property
    def http(self) -> str:
        """Where JSON-RPC over HTTP is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Where JSON-RPC over WebSocket is."""
        return f"ws://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self.process.terminate()
        self.process.wait(30)

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


def prepare(directory: Path, *, chain_id: int = DEFAULT_CHAIN_ID, alloc: tuple[Prefund, ...] = ()) -> Genesis:
    """Write a new sealer key and a genesis file into `directory`, unless they are there; the genesis."""
    return open_files(directory, chain_id=chain_id, alloc=alloc)[0]


def start(directory: Path, *, port: int = 0, pace: Pace = QUICK_PACE) -> LedgerProcess:
    """Start the ledger that `prepare` made in `directory` and wait until it is ready.

    Port 0 takes a free one. Raises LedgerError with the end of the process' own words when it does not start.
    """
    genesis = load_genesis(directory / GENESIS_FILE)
    # The port is bound here and handed on: one that was only found free may be another process' before it is bound.
    with _bound(port) as listener, (directory / LOG_FILE).open("ab") as log:
        port, number = int(listener.getsockname()[1]), listener.fileno()
        command = [sys.executable, "-m", __spec__.name, str(directory), str(number), str(pace.interval), str(pace.idle)]
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, pass_fds=(number,))
    ledger = LedgerProcess(process, directory, genesis, port)
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(ledger):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            words = (directory / LOG_FILE).read_text(errors="replace").strip().splitlines()[-1:]
            raise LedgerError(f"the ledger did not start: {' '.join(words)}")
        time.sleep(0.05)
    return ledger


@contextmanager
def running_ledger(
    directory: Path,
    *,
    chain_id: int = DEFAULT_CHAIN_ID,
    alloc: tuple[Prefund, ...] = (),
    pace: Pace = QUICK_PACE,
) -> Iterator[LedgerProcess]:
    """A ledger of its own, stopped at the end."""
    prepare(directory, chain_id=chain_id, alloc=alloc)
    ledger = start(directory, pace=pace)
    try:
        yield ledger
    finally:
        ledger.stop()


def main(arguments: list[str]) -> None:
    """Serve a directory that `prepare` made: DIRECTORY LISTENER INTERVAL IDLE, the listener a bound socket's number."""
    directory, number, interval, idle = Path(arguments[0]), int(arguments[1]), float(arguments[2]), float(arguments[3])
    os.set_inheritable(number, False)
    listener = socket.socket(fileno=number)
    genesis, signer = open_files(directory)
    try:
        settings = ServerSettings(directory, genesis, port=listener.getsockname()[1], pace=Pace(interval, idle))
        serve(settings, signer, listener)
    except LedgerError as error:
        sys.exit(str(error))


def _is_ready(ledger: LedgerProcess) -> bool:
    try:
        with urllib.request.urlopen(f"{ledger.http}/ready", timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _bound(wanted: int) -> socket.socket:
    try:
        return listening("127.0.0.1", wanted)
    except OSError as error:
        raise LedgerError(f"the ledger did not start: port {wanted}: {error.strerror}") from None


if __name__ == "__main__":
    main(sys.argv[1:])
