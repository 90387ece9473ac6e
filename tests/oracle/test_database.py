"""An oracle's file of an older version becomes one of this, with all that it held."""

import sqlite3
from pathlib import Path

import pytest

from oracle.database import Database, DatabaseError
from oracle.tables import SCHEMA_VERSION

ORIGIN = "clr-log/1/0x00/0x00"
OLD = """
CREATE TABLE origin (only INTEGER PRIMARY KEY CHECK (only = 0), name TEXT NOT NULL) STRICT;
CREATE TABLE refusals (id INTEGER PRIMARY KEY, device BLOB) STRICT;
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE reports (serial INTEGER PRIMARY KEY, oracle BLOB NOT NULL, own INTEGER NOT NULL) STRICT;
CREATE TABLE proposals (schema BLOB NOT NULL, slot INTEGER NOT NULL, root BLOB NOT NULL,
    attempt INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (schema, slot, root)) STRICT, WITHOUT ROWID;
CREATE TABLE signed (schema BLOB NOT NULL, slot INTEGER NOT NULL, attempt INTEGER NOT NULL,
    root BLOB NOT NULL, PRIMARY KEY (schema, slot, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE anchored (serial INTEGER PRIMARY KEY, schema BLOB NOT NULL, slot INTEGER NOT NULL,
    root BLOB NOT NULL, body BLOB, UNIQUE (schema, slot)) STRICT;
INSERT INTO origin VALUES (0, 'clr-log/1/0x00/0x00');
INSERT INTO marks VALUES ('anchored until', 9);
INSERT INTO proposals VALUES (x'01', 5, x'02', 0, x'03');
INSERT INTO signed VALUES (x'01', 5, 0, x'02');
INSERT INTO anchored VALUES (1, x'01', 4, x'04', x'05');
PRAGMA user_version = 1;
"""


def older(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(OLD)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    older(tmp_path / "oracle.db", SCHEMA_VERSION + 1)
    with pytest.raises(DatabaseError, match=f"has schema {SCHEMA_VERSION + 1}"):
        Database(tmp_path / "oracle.db", ORIGIN)


def test_what_a_file_of_version_1_signed_and_anchored_is_of_the_first_set(tmp_path: Path) -> None:
    older(tmp_path / "oracle.db", 1)
    for _ in range(2):
        database = Database(tmp_path / "oracle.db", ORIGIN)
        assert database.rows("SELECT schema, slot, epoch, attempt, root FROM signed") == [(b"\1", 5, 1, 0, b"\2")]
        assert database.rows("SELECT epoch, root, body FROM proposals") == [(1, b"\2", b"\3")]
        assert database.rows("SELECT slot, root, body, epoch FROM anchored") == [(4, b"\4", b"\5", 1)]
        assert database.rows("SELECT name FROM marks") == []
        database.close()
