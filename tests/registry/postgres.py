"""A PostgreSQL of the tests' own: Debian's package, run by nobody when we are root, reached by a socket only."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from registry.index.database import open_database

NewDatabase = Callable[[], str]
"""Makes another database and gives its address."""
_OPTIONS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=200", "shared_buffers=64MB")
_PATIENCE = 60.0
_NOBODY = 65534


@dataclass
class Postgres:
    """A cluster in a folder below /tmp; each database a copy of one that has the index's tables."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    _names: "count[int]" = field(default_factory=count)

    @classmethod
    def make(cls) -> "Postgres":
        # Not pytest's folder: nobody may not enter it, and a socket's path has at most 107 bytes.
        made = cls(Path(tempfile.mkdtemp(prefix="cangdan-pg-")))
        if os.getuid() == 0:
            os.chown(made.folder, _NOBODY, _NOBODY)
        flags = ("-U", "cangdan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        subprocess.run(
            made._command("initdb", "-D", str(made.folder / "data"), *flags), check=True, capture_output=True
        )
        made.start()
        made._sql("CREATE DATABASE template")
        open_database(made.url("template")).dispose()
        return made

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://cangdan@/{name}?host={self.folder}"

    def database(self, *, migrated: bool = True) -> str:
        """The address of a new database."""
        name = f"index_{next(self._names)}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {'template' if migrated else 'template0'}")
        return self.url(name)

    def start(self) -> None:
        options = [part for option in _OPTIONS for part in ("-c", option)]
        log = (self.folder / "log").open("ab")
        with log:
            command = self._command("postgres", "-D", str(self.folder / "data"), "-k", str(self.folder), *options)
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        until(self._answers, "PostgreSQL begins to answer")

    def crash(self) -> None:
        """All its processes end at once, without a checkpoint: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(_PATIENCE)

    def _answers(self) -> bool:
        try:
            self._sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _sql(self, statement: str) -> None:
        with psycopg.connect(f"host={self.folder} user=cangdan dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _command(self, program: str, *args: str) -> list[str]:
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
        assert found, "the tests of the index need Debian's package postgresql: make apt-tools"
        # It ends with the tests, however they end.
        wrapper = ["setpriv", "--pdeathsig", "QUIT"]
        if os.getuid() == 0:
            wrapper += ["--reuid", str(_NOBODY), "--regid", str(_NOBODY), "--clear-groups"]
        return [*wrapper, str(found[-1]), *args]


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, f"waited {_PATIENCE:.0f} s until {what}"
        time.sleep(0.05)
