"""A PostgreSQL of one's own for tests and benchmarks: Debian's package, run by nobody when we are root, reached by a
socket only."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from registry.index.database import open_database

NewDatabase = Callable[[], str]
"""Makes another database and gives its address."""
_OPTIONS = ("listen_addresses=", "max_connections=200", "shared_buffers=64MB")
FORGETFUL = ("fsync=off", "full_page_writes=off")
"""Options of a cluster that need not outlive the machine."""
_PATIENCE = 60.0
_NOBODY = 65534


class NoPostgresError(RuntimeError):
    """PostgreSQL is not installed, or does not start."""


@dataclass
class Postgres:
    """A cluster in a folder below /tmp; each database a copy of one that has the index's tables."""

    folder: Path
    options: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    _names: "count[int]" = field(default_factory=count)

    @classmethod
    def make(cls, options: Sequence[str] = ()) -> "Postgres":
        """A new cluster that runs, with these options beside those of a small one. Raises NoPostgresError."""
        # Not the caller's folder: nobody may not enter it, and a socket's path has at most 107 bytes.
        made = cls(Path(tempfile.mkdtemp(prefix="cangdan-pg-")), (*_OPTIONS, *options))
        try:
            if os.getuid() == 0:
                os.chown(made.folder, _NOBODY, _NOBODY)
            flags = ("-U", "cangdan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            command = made._command("initdb", "-D", str(made.folder / "data"), *flags)
            subprocess.run(command, check=True, capture_output=True)
            made.start()
            made._sql("CREATE DATABASE template")
            open_database(made.url("template")).dispose()
        except BaseException:
            made.close()
            raise
        return made

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql+psycopg://cangdan@/{name}?host={self.folder}"

    def database(self, *, migrated: bool = True) -> str:
        """The address of a new database."""
        name = f"index_{next(self._names)}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {'template' if migrated else 'template0'}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Removes a database that nobody is connected to."""
        name = url.partition("@/")[2].partition("?")[0]
        self._sql(f"DROP DATABASE {name}")

    def processor_seconds(self) -> float:
        """The processor time of all the server's processes, also of those that have ended (proc(5))."""
        assert self.process is not None
        own, ticks = str(self.process.pid), 0
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                parts = file.read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if file.parent.name == own:
                ticks += sum(int(each) for each in parts[11:15])
            elif parts[1] == own:
                ticks += int(parts[11]) + int(parts[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = [part for option in self.options for part in ("-c", option)]
        log = (self.folder / "log").open("ab")
        with log:
            command = self._command("postgres", "-D", str(self.folder / "data"), "-k", str(self.folder), *options)
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        until(self._answers, "PostgreSQL begins to answer")

    def crash(self) -> None:
        """All its processes end at once, without a checkpoint: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        """Ends the server and removes its folder."""
        if self.process is not None:
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
        if not found:
            raise NoPostgresError("Debian's package postgresql is missing: make apt-tools")
        # It ends with whoever started it, however they end.
        wrapper = ["setpriv", "--pdeathsig", "QUIT"]
        if os.getuid() == 0:
            wrapper += ["--reuid", str(_NOBODY), "--regid", str(_NOBODY), "--clear-groups"]
        return [*wrapper, str(found[-1]), *args]


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits a minute at most. Raises NoPostgresError."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise NoPostgresError(f"waited {_PATIENCE:.0f} s until {what}")
        time.sleep(0.05)
