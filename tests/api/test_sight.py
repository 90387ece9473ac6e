"""One rule of sight: what a member is listed, its own page shows, and nothing else; every kind, every role."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from api.problems import ProblemError
from api.records.news import news_of
from api.records.sight import KEPT, NAMED, PART_OF, Sight, place
from api.security.roles import Principal, Role
from ledger_node.hexvalues import data_hex
from registry.evidence.verify import verify_bundle
from registry.index.alerts import alerts
from registry.index.pages import Page
from registry.index.queries import BlockRef, Snapshot
from registry.index.tags import number, tags_of
from registry.items import (
    TYPES,
    Claim,
    Cover,
    Facility,
    Firing,
    Item,
    Key,
    Kind,
    Moment,
    Panel,
    Pledge,
    Receipt,
    Review,
    claim_id,
    firing_id,
)
from tests.api.app_kit import Api
from tests.api.contents import cover_request, facility_request, other_issue_request, pledge_terms
from tests.api.seed import BANK, ENTITIES, INSPECTOR, INSURER, KEEPER, OTHER_BANK, OTHER_KEEPER, OWNER, REGULATOR
from tests.api.story import Story, fire, rules_of
from tests.api.test_console import Browser

NOW = Moment(7, 7)
SEEN = (*NAMED, *PART_OF)
PATHS = {Receipt: "receipts", Pledge: "pledges", Facility: "facilities", Review: "reviews", Cover: "covers"}
PAGES = {Receipt: "receipts", Facility: "facilities", Review: "reviews"}


# --- the rule itself, on worlds that nobody thought of


class World:
    """Items as a snapshot finds them: by key, and by tags; of block 7."""

    block = BlockRef(7, bytes(32), 7)

    def __init__(self, items: dict[Key, Item]) -> None:
        self.items = items

    def get(self, key: Key) -> Item | None:
        return self.items.get(key)

    def one(self, kind: type[Item], id_: bytes) -> Any:
        return self.items.get(Key(next(each for each, type_ in TYPES.items() if type_ is kind), id_))

    def find(self, kind: type[Item], *, after: str | None, limit: int, oldest_first: bool, **having: Any) -> Page[Item]:
        wanted = {tag: number(value) if isinstance(value, int) else value for tag, value in having.items()}
        found = [each for each in self.items.values() if isinstance(each, kind)]
        return Page(tuple(each for each in found if wanted.items() <= tags_of(each).items()), None)


def word(**fields: int) -> Any:
    return SimpleNamespace(**{"status": 1, "holds": 0, "live_pledges": 0, **fields})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A few members who hold, keep, lend, insure and review a few records in any combination."""
    who = lambda: draw(st.integers(1, 5))  # noqa: E731
    of = lambda kind: bytes([kind]) * 31 + bytes([draw(st.integers(0, 2))])  # noqa: E731
    at, any_ = Moment(1, 1), cast("Any", SimpleNamespace)
    found: dict[Key, Item] = {}
    for place_ in range(3):
        id_ = lambda kind, place_=place_: bytes([kind]) * 31 + bytes([place_])  # noqa: E731
        found[Key(Kind.RECEIPT, id_(1))] = Receipt(id_(1), word(owner=who(), keeper=who()), b"", any_(), at)
        found[Key(Kind.FACILITY, id_(2))] = Facility(
            id_(2), word(lender=who(), borrower=who()), b"", any_(), at, (), ()
        )
        terms = any_(receipt=of(1), facility=of(2), keeper=who())
        found[Key(Kind.PLEDGE, id_(3))] = Pledge(
            id_(3), word(pledgee=who(), pledgor=who()), terms, at, draw(st.sampled_from([None, Moment(6, 6), NOW]))
        )
        cover = Cover(id_(4), word(insurer=who(), insured=who()), b"", any_(facility=of(2)), at)
        found[Key(Kind.COVER, id_(4))] = cover
        opening = any_(facility=of(2), evidence=b"", claim=place_)
        found[Key(Kind.REVIEW, id_(5))] = Review(id_(5), word(panel=who()), b"", opening, at)
        found[Key(Kind.PANEL, place_.to_bytes(2, "big"))] = Panel(place_, 1, who() | who() << 32)
        claim = Claim(of(4), opening, 1, at)
        found[Key(Kind.CLAIM, claim_id(claim.cover, place_))] = claim
        firing = Firing(of(2), place_, b"", b"", at)
        found[Key(Kind.FIRING, firing_id(firing.facility, place_))] = firing
    left = {key: each for key, each in found.items() if draw(st.integers(0, 4))}
    for key, each in left.items():
        if isinstance(each, Receipt):
            pledges = [other.id for other in left.values() if isinstance(other, Pledge)]
            mine = tuple(id_ for id_ in pledges if left[Key(Kind.PLEDGE, id_)].terms.receipt == each.id)
            left[key] = replace(each, pledges=mine)
    return World(left)


def sight_of(entity: int, world: World, role: Role = Role.BANK) -> Sight:
    return Sight(Principal(entity, role, "user:ada", "Ada", frozenset()), cast("Snapshot", world))


@given(worlds(), st.integers(1, 5))
def test_a_record_is_listed_exactly_when_it_may_be_seen(world: World, entity: int):
    sight = sight_of(entity, world)
    for kind in SEEN:
        seen = [each for each in world.items.values() if isinstance(each, kind) and sight.sees(each)]
        assert sight.every(kind) == sorted(seen, key=place, reverse=True)


@given(worlds(), st.integers(1, 5))
def test_who_sees_a_part_sees_its_whole(world: World, entity: int):
    sight = sight_of(entity, world)
    for kind, (whole, tag) in PART_OF.items():
        for part in [] if kind in KEPT else sight.every(cast("Any", kind)):
            assert sight.one(cast("Any", whole), tags_of(part)[tag])


@given(worlds(), st.integers(1, 5))
def test_who_sees_a_receipt_sees_all_its_pledges_and_who_had_one_sees_that_one_for_good(world: World, entity: int):
    sight = sight_of(entity, world)
    for pledge in (each for each in world.items.values() if isinstance(each, Pledge)):
        receipt = world.one(Receipt, pledge.terms.receipt)
        named = entity in (pledge.word.pledgee, pledge.word.pledgor, pledge.terms.keeper)
        assert sight.sees(pledge) == (named or (receipt is not None and sight.sees(receipt)))


@given(worlds(), st.integers(1, 5))
def test_a_released_pledge_shows_its_receipt_no_more_after_the_block_of_the_release(world: World, entity: int):
    sight = sight_of(entity, world)
    for receipt in (each for each in world.items.values() if isinstance(each, Receipt)):
        pledges = (world.items[Key(Kind.PLEDGE, id_)] for id_ in receipt.pledges)
        lasting = [each for each in pledges if each.released in (None, NOW)]
        named = {party for each in lasting for party in (each.word.pledgee, each.word.pledgor, each.terms.keeper)}
        assert sight.sees(receipt) == (entity in named | {receipt.word.owner, receipt.word.keeper})


@given(worlds())
def test_the_regulator_sees_all_and_whom_nothing_names_sees_nothing(world: World):
    regulator, stranger = sight_of(9, world, Role.REGULATOR), sight_of(8, world)
    for kind in SEEN:
        assert len(regulator.every(kind)) == sum(isinstance(each, kind) for each in world.items.values())
        assert stranger.every(kind) == []


def test_what_is_not_there_is_refused_in_the_words_for_what_may_not_be_seen():
    with pytest.raises(ProblemError, match="no such receipt among those that this member may see"):
        sight_of(1, World({})).one(Receipt, bytes(32))


# --- the same through the interface and the console


@pytest.fixture(scope="module")
def two_loans(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The story, and beside it a loan of another bank on other goods, reviewed by others, insured by the same."""
    many = {"reads_per_minute": 100_000, "writes_per_minute": 100_000, "sign_ins_per_minute": 1000}
    api = story.copy(tmp_path_factory.mktemp("two loans"), **many)
    api.chain.consortium.act("operator", "ReviewBoard", "setPanel", 3, 2, [INSPECTOR, OTHER_BANK])
    api.catch_up()
    api.act(other_issue_request(OWNER, OTHER_KEEPER, "BAY-7"), OWNER, OTHER_KEEPER)
    request = {**facility_request(OTHER_BANK, OWNER), "panel": 3}
    facility = api.act(request, OTHER_BANK, OWNER)
    api.act(cover_request(INSURER, OTHER_BANK, facility), INSURER, OTHER_BANK, OWNER)
    rules = rules_of(api, facility, OTHER_BANK)
    fire(api, facility, rules, 0, 1_790_009_600_000)
    api.catch_up()
    yield api
    api.close()


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_record_is_in_the_list_exactly_when_its_own_page_answers(two_loans: Api, entity: int):
    api, browser = two_loans, Browser(two_loans, entity)
    for kind, path in PATHS.items():
        listed = {each["id"] for each in api.get(entity, f"/v1/{path}").json()["items"]}
        for id_ in (each["id"] for each in api.get(REGULATOR, f"/v1/{path}").json()["items"]):
            expected = 200 if id_ in listed else 404
            assert api.get(entity, f"/v1/{path}/{id_}").status_code == expected, (path, id_)
            if kind in PAGES:
                assert browser.http.get(f"/{PAGES[kind]}/{id_}").status_code == expected, (path, id_)
            if kind in (Receipt, Facility) and expected == 404:
                assert api.get(entity, f"/v1/{path}/{id_}/proof").status_code == 404
                assert api.get(entity, f"/v1/{path}/{id_}/history").status_code == 404


@pytest.mark.parametrize("entity", ENTITIES)
def test_an_alert_is_told_exactly_to_those_whom_its_record_s_page_answers(two_loans: Api, entity: int):
    told = [(each["subject"], each["key"]) for each in two_loans.get(entity, "/v1/alerts?limit=200").json()["items"]]
    for alert in alerts(two_loans.services.index.as_of(), limit=200).items:
        if alert.refusal is not None:
            continue
        path = f"/v1/{PATHS[TYPES[Kind(alert.subject)]]}/{data_hex(alert.key)}"
        answers = two_loans.get(entity, path).status_code == 200
        assert ((alert.subject, data_hex(alert.key)) in told) == answers


@pytest.mark.parametrize(
    ("entity", "receipts", "pledges", "facilities", "reviews", "covers"),
    [
        (KEEPER, 1, 1, 1, 1, 0),
        (INSURER, 0, 0, 2, 2, 2),
        (INSPECTOR, 0, 0, 1, 1, 0),
        (OTHER_BANK, 0, 0, 1, 1, 1),
        (OTHER_KEEPER, 1, 0, 0, 0, 0),
        (REGULATOR, 2, 1, 2, 2, 2),
    ],
)
def test_each_member_sees_what_names_it_and_no_more(
    two_loans: Api, entity: int, receipts: int, pledges: int, facilities: int, reviews: int, covers: int
):
    counts = {"receipts": receipts, "pledges": pledges, "facilities": facilities, "reviews": reviews, "covers": covers}
    for path, count in counts.items():
        assert len(two_loans.get(entity, f"/v1/{path}").json()["items"]) == count, path


# --- a pledge that has ended


@dataclass(frozen=True)
class Refinanced:
    """The story's receipt after its first pledgee released it, in `ended`, and another bank took it."""

    api: Api
    receipt: str
    first: str
    second: str
    ended: int


@pytest.fixture(scope="module")
def refinanced(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refinanced]:
    many = {"reads_per_minute": 100_000, "writes_per_minute": 100_000, "sign_ins_per_minute": 1000}
    api = story.copy(tmp_path_factory.mktemp("refinanced"), **many)
    api.act({"act": "release", "pledge": story.pledge}, BANK)
    ended = api.get(BANK, f"/v1/pledges/{story.pledge}").json()["released"]["block"]
    facility = api.act({**facility_request(OTHER_BANK, OWNER), "panel": 2}, OTHER_BANK, OWNER)
    request = {"act": "pledge", "receipt": story.receipt, "facility": facility, "terms": pledge_terms()}
    second = api.act({**request, "pledgee": OTHER_BANK}, OWNER, KEEPER, OTHER_BANK)
    yield Refinanced(api, story.receipt, story.pledge, second, ended)
    api.close()


def doors(receipt: str) -> list[str]:
    return [f"/v1/receipts/{receipt}{door}" for door in ("", "/summary", "/history", "/proof")]


def test_no_door_shows_a_former_pledgee_what_came_after_its_pledge(refinanced: Refinanced):
    api, browser = refinanced.api, Browser(refinanced.api, BANK)
    for door in doors(refinanced.receipt):
        for later in ("", f"?as_of_block={refinanced.ended + 1}"):
            answer = api.get(BANK, door + later)
            assert (answer.status_code, f"as_of_block={refinanced.ended}" in answer.json()["detail"]) == (404, True)
        assert refinanced.second not in api.get(BANK, f"{door}?as_of_block={refinanced.ended}").text
    assert browser.http.get(f"/receipts/{refinanced.receipt}").status_code == 404
    assert api.get(BANK, f"/v1/pledges/{refinanced.second}").status_code == 404
    assert api.get(BANK, "/v1/receipts").json()["items"] == []
    last = api.services.index.head()
    rows = api.services.index.notices((0, 0), last.number, 1000)
    bank = Principal(BANK, Role.BANK, "user:ada", "Ada", frozenset())
    told = [
        news
        for row in rows
        if row.key.hex() == refinanced.receipt[2:] and (news := news_of(api.services.index, row, bank))
    ]
    assert [each.event for each in told] == ["receipt.pledge", "receipt.release"]


def test_what_was_until_its_pledge_ended_is_proved_to_a_former_pledgee_for_good(refinanced: Refinanced):
    api = refinanced.api
    pledge = api.get(BANK, f"/v1/pledges/{refinanced.first}").json()
    assert pledge["status"] == "released"
    answer = api.get(BANK, f"/v1/receipts/{refinanced.receipt}?as_of_block={refinanced.ended}")
    bundle = api.get(BANK, pledge["proof"])
    assert verify_bundle(bundle.content, api.chain.trust(), answer.content).ok
    assert [each["act"] for each in answer.json()["data"]["history"]] == ["ISSUE", "PLEDGE", "RELEASE"]
    page = Browser(api, BANK).page(f"/facilities/{pledge['facility']}")
    assert f'href="/receipts/{refinanced.receipt}?as_of_block={refinanced.ended}"' in page


@pytest.mark.parametrize("reader", [OTHER_BANK, OWNER, KEEPER, REGULATOR])
def test_who_sees_a_receipt_sees_the_same_pledges_at_every_door(refinanced: Refinanced, reader: int):
    api, both = refinanced.api, [refinanced.first, refinanced.second]
    summary = api.get(reader, f"/v1/receipts/{refinanced.receipt}/summary").json()
    assert [each["id"] for each in summary["pledges"]] == both
    answer = api.get(reader, f"/v1/receipts/{refinanced.receipt}").json()
    assert [each["id"] for each in answer["data"]["pledges"]] == both
    assert {each["id"] for each in api.get(reader, "/v1/pledges").json()["items"]} == set(both)
    assert all(api.get(reader, f"/v1/pledges/{each}").status_code == 200 for each in both)
