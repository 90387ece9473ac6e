"""Many rows at once, on each database."""

from sqlalchemy import select

from benchmarks.postgres import NewDatabase
from registry.index.bulk import end_tags, end_versions, insert_rows, newest
from registry.index.database import open_database
from registry.index.tables import tags, versions

KEYS = [number.to_bytes(2, "big") for number in range(250)]


def test_of_items_that_nobody_knows_no_version_is_found(new_database: NewDatabase) -> None:
    with open_database(new_database()).connect() as connection:
        assert list(newest(connection, "goods", KEYS)) == []


def test_the_newest_versions_of_many_items_are_found_at_once(new_database: NewDatabase) -> None:
    with open_database(new_database()).begin() as connection:
        rows = [("goods", key, start, None, 1, b"%d" % start) for key in KEYS[::2] for start in (2, 11, 3)]
        insert_rows(connection, versions, [*rows, ("panel", KEYS[1], 12, None, 1, b"")])
        found = list(newest(connection, "goods", KEYS))
    assert sorted(found) == [(key, 1, 11, b"11") for key in KEYS[::2]]


def test_the_version_that_ends_is_the_one_of_its_first_block(new_database: NewDatabase) -> None:
    with open_database(new_database()).begin() as connection:
        insert_rows(connection, versions, [("goods", b"a", start, None, 1, b"") for start in (2, 11)])
        end_versions(connection, [(7, "goods", b"a", 2)])
        query = select(versions.c.valid_from, versions.c.valid_to).order_by(versions.c.valid_from)
        assert [tuple(row) for row in connection.execute(query)] == [(2, 7), (11, None)]


def test_of_the_times_that_an_item_had_a_tag_the_newest_ends(new_database: NewDatabase) -> None:
    with open_database(new_database()).begin() as connection:
        had = ("receipt", "held", b"1", b"a")
        others = [("receipt", "held", b"1", b"b", 8, None), ("receipt", "held", b"0", b"a", 8, None)]
        insert_rows(connection, tags, [(*had, 1, 3), (*had, 11, None), (*had, 5, 9), *others])
        end_tags(connection, [(20, *had)])
        query = select(tags.c.valid_from, tags.c.valid_to).order_by(tags.c.valid_from)
        assert [tuple(row) for row in connection.execute(query)] == [(1, 3), (5, 9), (8, None), (8, None), (11, 20)]
