"""Somebody edits rows of the index: nothing false is ever verified, and what is refused is refused by name."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import asdict

from ledger_node.hexvalues import read_data
from ledger_node.values import Value
from registry.audit import audit, rebuild
from registry.digest import digest
from registry.evidence.verify import verify_bundle
from registry.index.codec import encode
from registry.index.projection import read_item
from registry.items import Key, Kind
from tests.api.app_kit import Api
from tests.api.seed import BANK, OTHER_BANK
from tests.api.story import Story

Body = Any
TABLES = ("versions", "transitions", "blocks", "cursor")
"""What answers and bundles are made from."""


def body(kind: str, change: Callable[[Body], object]) -> Callable[[Api, Story], None]:
    """Changes what the newest versions of the items of a kind say."""

    def edit(api: Api, story: Story) -> None:
        with api.engine.begin() as connection:
            query = "SELECT rowid, body FROM versions WHERE kind = ? AND valid_to IS NULL"
            rows = connection.exec_driver_sql(query, (kind,)).all()
            assert rows
            for rowid, written in rows:
                value = named(read_item(Kind(kind), written))
                change(value)
                edit = "UPDATE versions SET body = ? WHERE rowid = ?"
                connection.exec_driver_sql(edit, (encode(in_order(value)), rowid))

    return edit


def named(value: object) -> Body:
    if isinstance(value, Value):
        return {name: named(each) for name, each in asdict(value).items()}
    return [named(each) for each in value] if isinstance(value, tuple) else value


def in_order(value: Body) -> Body:
    """As registry.index.codec has it: fields without their names."""
    if isinstance(value, dict):
        return [in_order(each) for each in value.values()]
    return [in_order(each) for each in value] if isinstance(value, list | tuple) else value


def sql(statement: str) -> Callable[[Api, Story], None]:
    """Runs a statement, which knows :receipt and :facility."""

    def edit(api: Api, story: Story) -> None:
        ids = {"receipt": read_data("id", story.receipt), "facility": read_data("id", story.facility)}
        used = {name: id_ for name, id_ in ids.items() if f":{name}" in statement}
        with api.engine.begin() as connection:
            done = connection.exec_driver_sql(statement, used)
            assert done.rowcount > 0

    return edit


def word(name: str, value: int) -> Callable[[Body], object]:
    return lambda item: item["word"].update({name: value})


OF_RECEIPT = "contract = 'ReceiptRegistry' AND record = :receipt"
OF_FACILITY = "contract = 'CreditBook' AND record = :facility"
NEWEST = "seq = (SELECT max(seq) FROM transitions WHERE {0})"
# What is edited -> what whoever checks the answer learns, of which record, and the edit.
EDITS: dict[str, tuple[str, str, Callable[[Api, Story], None]]] = {
    "holder of a receipt": ("history", "receipts", body("receipt", word("owner", OTHER_BANK))),
    "keeper of a receipt": ("history", "receipts", body("receipt", word("keeper", 8))),
    "status of a receipt": ("answer", "receipts", body("receipt", word("status", 2))),
    "quantity of a receipt": ("answer", "receipts", body("receipt", word("quantity", 1))),
    "flags of a receipt": ("answer", "receipts", body("receipt", word("flags", 8))),
    "pledges of a receipt": ("state", "receipts", body("receipt", lambda item: item.update(pledges=[]))),
    "content of a receipt": (
        "answer",
        "receipts",
        body("receipt", lambda item: item["terms"].update(drafted_at=1)),
    ),
    "rank of a pledge": ("answer", "receipts", body("pledge", word("rank", 2))),
    "pledgee of a pledge": ("not-found", "receipts", body("pledge", word("pledgee", OTHER_BANK))),
    "status of a pledge": ("answer", "receipts", body("pledge", word("status", 2))),
    "group of an entity": ("answer", "receipts", body("entity", word("group", 77))),
    "status of an entity": ("answer", "facilities", body("entity", word("status", 2))),
    "draws of a facility": ("answer", "facilities", body("facility", word("draws", 0))),
    "holds of a facility": ("answer", "facilities", body("facility", lambda item: item.update(holds=[]))),
    "borrower of a facility": ("history", "facilities", body("facility", word("borrower", OTHER_BANK))),
    "instalments of a facility": (
        "answer",
        "facilities",
        body("facility", lambda item: item["instalments"][1].update(state=1)),
    ),
    "last slots of a facility": ("answer", "facilities", body("facility", lambda item: item.update(guards=[0] * 8))),
    "an older version as the newest": (
        "answer",
        "facilities",
        sql(
            "UPDATE versions SET body = (SELECT body FROM versions AS old WHERE old.kind = 'facility' "
            "AND old.key = :facility ORDER BY valid_from LIMIT 1) WHERE kind = 'facility' AND key = :facility"
        ),
    ),
    "a version deleted": (
        "not-found",
        "receipts",
        sql("DELETE FROM versions WHERE kind = 'receipt' AND key = :receipt"),
    ),
    "data of a transition": (
        "history",
        "receipts",
        sql(f"UPDATE transitions SET data = zeroblob(256) WHERE {OF_RECEIPT} AND seq = 2"),
    ),
    "word of a transition": (
        "history",
        "facilities",
        sql(f"UPDATE transitions SET word = zeroblob(32) WHERE {OF_FACILITY} AND seq = 2"),
    ),
    "block of a transition": (
        "history",
        "facilities",
        sql(f"UPDATE transitions SET block = block - 1 WHERE {OF_FACILITY} AND seq = 2"),
    ),
    "time of a transition": (
        "history",
        "receipts",
        sql(f"UPDATE transitions SET time = time + 1 WHERE {OF_RECEIPT} AND seq = 1"),
    ),
    "act of a transition": (
        "history",
        "facilities",
        sql(f"UPDATE transitions SET act = 3 WHERE {OF_FACILITY} AND seq = 2"),
    ),
    "the newest transition of a receipt deleted": (
        "history",
        "receipts",
        sql(f"DELETE FROM transitions WHERE {OF_RECEIPT} AND {NEWEST.format(OF_RECEIPT)}"),
    ),
    "the newest transition of a facility deleted": (
        "history",
        "facilities",
        sql(f"DELETE FROM transitions WHERE {OF_FACILITY} AND {NEWEST.format(OF_FACILITY)}"),
    ),
    "all transitions deleted": ("conflict", "facilities", sql("DELETE FROM transitions")),
    "hash of a block": ("conflict", "receipts", sql("UPDATE blocks SET hash = randomblob(32)")),
    "time of a block": ("answer", "receipts", sql("UPDATE blocks SET time = time + 1")),
    "number of the newest block": ("true", "receipts", sql("UPDATE cursor SET block = block - 1")),
}


def judged(api: Api, path: str, truth: Body) -> str:
    """What a member that checks its answers learns: the step that fails, or by what name it was refused."""
    answer = api.get(BANK, path)
    if answer.status_code != 200:
        return str(answer.json()["code"])
    bundle = api.get(BANK, answer.json()["links"]["proof"])
    if bundle.status_code != 200:
        assert "cannot be proved" in bundle.json()["detail"]
        return str(bundle.json()["code"])
    verdict = verify_bundle(bundle.content, api.chain.trust(), answer.content)
    if not verdict.ok:
        return verdict.steps[-1].name.value
    assert answer.json()["data"] == truth, "something false is verified"
    return "true"


@pytest.fixture(scope="module")
def shared(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One application for all edits."""
    made = story.copy(tmp_path_factory.mktemp("edited"))
    yield made
    made.close()


@pytest.fixture
def edited(shared: Api) -> Iterator[Api]:
    """The application, whose index is as it was once the test has ended."""
    with shared.engine.begin() as connection:
        for table in TABLES:
            connection.exec_driver_sql(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    yield shared
    with shared.engine.begin() as connection:
        for table in TABLES:
            connection.exec_driver_sql(f"DELETE FROM {table}")
            connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM kept_{table}")
            connection.exec_driver_sql(f"DROP TABLE kept_{table}")


@pytest.mark.parametrize("name", EDITS)
def test_nothing_false_is_verified_after_an_edit_of_the_index(edited: Api, story: Story, name: str):
    found, kind, edit = EDITS[name]
    path = f"/v1/{kind}/{story.receipt if kind == 'receipts' else story.facility}"
    truth = edited.get(BANK, path).json()["data"]
    edit(edited, story)
    assert judged(edited, path, truth) == found


@pytest.mark.parametrize("kind", ["receipts", "facilities"])
def test_without_an_edit_the_same_check_finds_the_truth(shared: Api, story: Story, kind: str):
    path = f"/v1/{kind}/{story.receipt if kind == 'receipts' else story.facility}"
    assert judged(shared, path, shared.get(BANK, path).json()["data"]) == "true"


def digest_of_index(api: Api) -> bytes:
    """The digest of the state that the index has."""
    with api.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT kind, key, body FROM versions WHERE valid_to IS NULL").all()
    return digest({Key(Kind(row.kind), bytes(row.key)): read_item(Kind(row.kind), row.body) for row in rows})


@pytest.mark.parametrize("name", ["quantity of a receipt", "rank of a pledge", "draws of a facility"])
def test_the_digest_of_the_chain_is_not_that_of_an_edited_index(edited: Api, story: Story, name: str):
    made = edited.chain.consortium
    state, _ = rebuild(made.client, made.deployment, 0, made.client.block_number())
    assert digest_of_index(edited) == digest(state)
    EDITS[name][2](edited, story)
    assert digest_of_index(edited) != digest(state)
    assert audit(made.client, made.deployment).differences == ()
