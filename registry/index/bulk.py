"""Many rows at once: COPY and arrays for PostgreSQL, one prepared statement for many rows of SQLite."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast

import psycopg
from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, Table

Row = tuple[object, ...]
"""A row's values in the order of the table's columns."""
Found = tuple[bytes, int, int, bytes]
"""Of a newest version: its key, `born`, `valid_from`, and its body."""
_CACHE_KIB = 65536
"""How much of an SQLite database the writer keeps in memory: records come and go at random places of its trees."""
_ASKED_AT_ONCE = 100
_NEWEST_POSTGRES = (
    "SELECT newest.* FROM unnest(%b::bytea[]) AS given(key) CROSS JOIN LATERAL (SELECT key, born, valid_from, body"
    " FROM versions WHERE kind = %s AND key = given.key ORDER BY valid_from DESC LIMIT 1) AS newest"
)
_END_VERSIONS = (
    "UPDATE versions SET valid_to = ? WHERE kind = ? AND key = ? AND valid_from = ?",
    "UPDATE versions SET valid_to = ends FROM unnest(%b::bigint[], %b::text[], %b::bytea[], %b::bigint[])"
    " AS given(ends, a_kind, a_key, start) WHERE kind = a_kind AND key = a_key AND valid_from = start",
)
_SAME_TAG = "kind = ?2 AND tag = ?3 AND value = ?4 AND key = ?5"
# The newest of an item's times with a tag, found at once however often it had the tag before.
_END_TAGS = (
    f"UPDATE tags SET valid_to = ?1 WHERE {_SAME_TAG}"
    f" AND valid_from = (SELECT max(valid_from) FROM tags WHERE {_SAME_TAG})",
    "UPDATE tags AS own SET valid_to = ends FROM (SELECT ends, newest.place"
    " FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::bytea[], %b::bytea[])"
    " AS given(ends, a_kind, a_tag, a_value, a_key) CROSS JOIN LATERAL (SELECT ctid AS place FROM tags"
    " WHERE kind = a_kind AND tag = a_tag AND value = a_value AND key = a_key ORDER BY valid_from DESC LIMIT 1)"
    " AS newest) AS found WHERE own.ctid = found.place",
)


def prepare(connection: Connection) -> None:
    """Makes a connection the writer's."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.commit()


def newest(connection: Connection, kind: str, keys: Sequence[bytes]) -> Iterator[Found]:
    """The newest versions of items of a kind, of those that there are; however many older ones each has."""
    if connection.dialect.name == "sqlite":
        for first in range(0, len(keys), _ASKED_AT_ONCE):
            asked = keys[first : first + _ASKED_AT_ONCE]
            yield from _driver(connection).execute(_newest_sqlite(len(asked)), (kind, *asked))
    else:
        yield from _driver(connection).execute(_NEWEST_POSTGRES, (list(keys), kind), binary=True)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows within the connection's transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_insert(table), list(rows))
        return
    statement, types = _copy(table)
    driver = cast("psycopg.Connection[object]", _driver(connection))
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def end_versions(connection: Connection, ends: Sequence[tuple[int, str, bytes, int]]) -> None:
    """Says in which block versions ceased to be true: that block, then the version's kind, key and first block."""
    _change(connection, _END_VERSIONS, ends)


def end_tags(connection: Connection, ends: Sequence[tuple[int, str, str, bytes, bytes]]) -> None:
    """Says in which block items ceased to have tags: that block, then kind, tag, value and key."""
    _change(connection, _END_TAGS, ends)


def _change(connection: Connection, statements: tuple[str, str], rows: Sequence[Row]) -> None:
    for_sqlite, for_postgres = statements
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(for_sqlite, list(rows))
    else:
        connection.exec_driver_sql(for_postgres, tuple([list(column) for column in zip(*rows, strict=True)]))


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


@cache
def _newest_sqlite(count: int) -> str:
    given = ", ".join(f"(?{at + 2})" for at in range(count))
    return (
        f"WITH given (id) AS (VALUES {given}) SELECT key, born, valid_from, body FROM given CROSS JOIN versions"
        " ON kind = ?1 AND key = id"
        " AND valid_from = (SELECT max(valid_from) FROM versions WHERE kind = ?1 AND key = id)"
    )


@cache
def _insert(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})"


@cache
def _copy(table: Table) -> tuple[str, list[str]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)", [_type(each.type) for each in table.columns]


def _type(kind: object) -> str:
    match kind:
        case BigInteger():
            return "int8"
        case Integer():
            return "int4"
        case LargeBinary():
            return "bytea"
        case _:
            return "text"
