"""Somebody edits what the index has of a rule's firing: no bundle of the action is believed, and the cause is named."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from ledger_node.hashing import keccak256
from registry import structs
from registry.acts import Contract
from registry.evidence.bundle_file import dump_bundle
from registry.evidence.collect import CannotProve
from registry.evidence.gather import EvidenceMissing
from registry.evidence.verify import verify_bundle
from registry.index.codec import decode, encode
from registry.index.tables import transitions, versions
from registry.items import Firing, firing_id
from tests.registry.bundles import HOLD, REVIEW, Bundles

Edit = Callable[[Bundles, Connection], object]


def firing_of(bundles: Bundles, rule: int) -> ColumnElement[bool]:
    return (versions.c.kind == "firing") & (versions.c.key == firing_id(bundles.watch.facility, bundles.seqs[rule]))


def act_of(bundles: Bundles, rule: int) -> ColumnElement[bool]:
    own = (transitions.c.contract == Contract.CREDIT.value) & (transitions.c.record == bundles.watch.facility)
    return own & (transitions.c.seq == bundles.seqs[rule])


def firing_as(change: Callable[[bytes], bytes]) -> Edit:
    """Changes the firing's bytes."""

    def edit(bundles: Bundles, connection: Connection) -> None:
        where = firing_of(bundles, HOLD)
        firing = decode(Firing, connection.execute(select(versions.c.body).where(where)).scalar_one())
        edited = replace(firing, firing=change(firing.firing))
        connection.execute(update(versions).where(where).values(body=encode(edited)))

    return edit


def firing_and_act_alike(change: Callable[[bytes], bytes]) -> Edit:
    """Changes the firing's bytes, and their digest in the transition to fit."""

    def edit(bundles: Bundles, connection: Connection) -> None:
        firing_as(change)(bundles, connection)
        body = connection.execute(select(versions.c.body).where(firing_of(bundles, HOLD))).scalar_one()
        data = connection.execute(select(transitions.c.data).where(act_of(bundles, HOLD))).scalar_one()
        act = replace(structs.Firing.decode(data), evidence=keccak256(decode(Firing, body).firing))
        connection.execute(update(transitions).where(act_of(bundles, HOLD)).values(data=act.encode()))

    return edit


def longer(firing: bytes) -> bytes:
    return firing + bytes(32)


def another_salt(firing: bytes) -> bytes:
    """The last word is the salt of the last observation."""
    return firing[:-1] + bytes([firing[-1] ^ 1])


def another_firing(bundles: Bundles, connection: Connection) -> None:
    """The firing of another rule."""
    other = connection.execute(select(versions.c.body).where(firing_of(bundles, REVIEW))).scalar_one()
    connection.execute(update(versions).where(firing_of(bundles, HOLD)).values(body=other))


def no_firing(bundles: Bundles, connection: Connection) -> None:
    """No firing at all."""
    connection.execute(delete(versions).where(firing_of(bundles, HOLD)))


def another_act(bundles: Bundles, connection: Connection) -> None:
    """The act of another rule in the transition's place."""
    other = connection.execute(select(transitions.c.data).where(act_of(bundles, REVIEW))).scalar_one()
    connection.execute(update(transitions).where(act_of(bundles, HOLD)).values(data=other))


def no_act(bundles: Bundles, connection: Connection) -> None:
    """No transition."""
    connection.execute(delete(transitions).where(act_of(bundles, HOLD)))


@contextmanager
def restored(connection: Connection) -> Iterator[None]:
    """Both tables are as they were after it."""
    kept = {
        table: [dict(row) for row in connection.execute(select(table)).mappings()] for table in (versions, transitions)
    }
    try:
        yield
    finally:
        for table, rows in kept.items():
            connection.execute(delete(table))
            connection.execute(insert(table), rows)
        connection.commit()


def judged(bundles: Bundles) -> str:
    """The step that fails, or how the bundle was refused to be made."""
    try:
        made = bundles.collector.action(bundles.watch.facility, bundles.seqs[HOLD], bundles.watch)
    except (CannotProve, EvidenceMissing) as error:
        return type(error).__name__
    verdict = verify_bundle(dump_bundle(made), bundles.trust)
    return "ok" if verdict.ok else verdict.steps[-1].name.value


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (firing_as(longer), "EvidenceMissing"),
        (firing_as(another_salt), "EvidenceMissing"),
        (firing_and_act_alike(longer), "EvidenceMissing"),
        (firing_and_act_alike(another_salt), "EvidenceMissing"),
        (another_firing, "EvidenceMissing"),
        (no_firing, "CannotProve"),
        (another_act, "EvidenceMissing"),
        (no_act, "EvidenceMissing"),
    ],
)
def test_an_action_whose_evidence_was_edited_is_not_proved(bundles: Bundles, edit: Edit, found: str) -> None:
    with bundles.snapshot.connection() as connection, restored(connection):
        edit(bundles, connection)
        connection.commit()
        assert judged(bundles) == found
    assert judged(bundles) == "ok"
