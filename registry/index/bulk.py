"""Many rows at once: COPY into PostgreSQL, one prepared statement into SQLite."""

from collections.abc import Sequence
from functools import cache
from typing import cast

import psycopg
from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, Table

Row = tuple[object, ...]
"""A row's values in the order of the table's columns."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows within the connection's transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_insert(table), list(rows))
        return
    statement, types = _copy(table)
    driver = cast("psycopg.Connection[object]", connection.connection.dbapi_connection)
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def end_versions(connection: Connection, ends: Sequence[tuple[str, bytes, int]]) -> None:
    """Says of the newest versions, each by kind and key, in which block they ceased to be true."""
    if connection.dialect.name == "sqlite":
        rows = [(end, kind, key) for kind, key, end in ends]
        connection.exec_driver_sql(
            "UPDATE versions SET valid_to = ? WHERE kind = ? AND key = ? AND valid_to IS NULL", rows
        )
        return
    connection.exec_driver_sql(
        "UPDATE versions SET valid_to = given.ends FROM unnest(%s::text[], %s::bytea[], %s::bigint[])"
        " AS given(kind, key, ends) WHERE versions.kind = given.kind AND versions.key = given.key"
        " AND versions.valid_to IS NULL",
        tuple([list(column) for column in zip(*ends, strict=True)]),
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
