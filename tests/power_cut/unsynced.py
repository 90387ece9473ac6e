"""Runs a module with synchronous = OFF in every SQLite connection, whatever the module asks for. For tests alone."""

import re
import runpy
import sqlite3
import sys
from typing import Any

_SYNCHRONOUS = re.compile(r"(PRAGMA\s+synchronous\s*=\s*)\w+", re.IGNORECASE)


class UnsyncedCursor(sqlite3.Cursor):
    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return super().execute(_SYNCHRONOUS.sub(r"\1OFF", sql), *values)


class Unsynced(sqlite3.Connection):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        super().execute("PRAGMA synchronous = OFF")

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return super().execute(_SYNCHRONOUS.sub(r"\1OFF", sql), *values)

    def cursor(self, factory: Any = UnsyncedCursor) -> Any:
        return super().cursor(factory)


def main() -> None:
    genuine = sqlite3.connect

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        return genuine(*arguments, **{"factory": Unsynced, **named})

    sqlite3.connect = sqlite3.dbapi2.connect = connect
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


main()
