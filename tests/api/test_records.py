"""Reading records: what others must not see first, then what the member sees, as of any block."""

import json

import pytest

from api.times import rfc3339
from ledger_node.hexvalues import data_hex
from oracle.formats.observation import round_id
from tests.api.app_kit import NAMES, Api
from tests.api.contents import CANARY, CANARY_AMOUNT
from tests.api.measured import DEVICE, SCHEMA, START
from tests.api.seed import (
    BANK,
    ENTITIES,
    INSPECTOR,
    INSURER,
    KEEPER,
    OTHER_BANK,
    OTHER_KEEPER,
    OWNER,
    REGULATOR,
)
from tests.api.story import Story

LISTS = (
    "entities", "receipts", "pledges", "facilities", "reviews", "covers", "claims", "devices", "rounds", "alerts",
    "refusals",
)  # fmt: skip


def everything(api: Api, entity: int, story: Story) -> str:
    """All that the interface tells a member."""
    paths = [f"/v1/{name}" for name in LISTS]
    paths += [f"/v1/receipts/{story.receipt}", f"/v1/receipts/{story.receipt}/history", f"/v1/pledges/{story.pledge}"]
    paths += [f"/v1/facilities/{story.facility}{end}" for end in ("", "/history", "/actions")]
    return "\n".join(api.get(entity, path).text for path in paths)


@pytest.mark.parametrize("stranger", [OTHER_KEEPER, INSPECTOR, REGULATOR])
def test_goods_and_amounts_are_not_told_to_those_whom_they_do_not_concern(api: Api, story: Story, stranger: int):
    told = everything(api, stranger, story)
    assert CANARY not in told
    assert str(CANARY_AMOUNT) not in told


def test_a_member_without_part_in_a_record_does_not_find_it(api: Api, story: Story):
    for path in (f"receipts/{story.receipt}", f"facilities/{story.facility}", f"pledges/{story.pledge}"):
        assert api.get(OTHER_KEEPER, f"/v1/{path}").status_code == 404
    for name in ("receipts", "pledges", "facilities", "reviews", "covers", "claims", "alerts"):
        assert api.get(OTHER_KEEPER, f"/v1/{name}").json()["items"] == []


def test_names_of_others_are_not_told_in_the_list_of_entities(api: Api):
    names = [each["name"] for each in api.get(BANK, "/v1/entities").json()["items"] if each["name"]]
    assert names == [NAMES[BANK][0]]


def test_the_borrower_s_name_stays_with_those_whom_the_facility_names(api: Api, story: Story):
    assert NAMES[OWNER][0] not in everything(api, OTHER_KEEPER, story)
    assert NAMES[OWNER][0] in everything(api, BANK, story)


def test_the_regulator_sees_structure_events_and_refusals(api: Api, story: Story):
    assert api.get(REGULATOR, f"/v1/facilities/{story.facility}/summary").json()["held"] is True
    refusal = api.get(REGULATOR, "/v1/refusals").json()["items"][0]
    assert (refusal["act"], refusal["cause"]) == ("pledge", "AlreadyPledged")
    kinds = {alert["kind"] for alert in api.get(REGULATOR, "/v1/alerts").json()["items"]}
    assert kinds == {"hold", "defer", "open_claim", "double_pledge"}


def test_a_refusal_is_told_to_who_sent_it_and_not_to_others(api: Api):
    assert len(api.get(OTHER_BANK, "/v1/refusals").json()["items"]) == 1
    assert api.get(BANK, "/v1/refusals").json()["items"] == []


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_list_answers_to_every_member(api: Api, entity: int):
    for name in LISTS:
        answer = api.get(entity, f"/v1/{name}")
        assert answer.status_code == 200, (name, answer.text)


def test_a_receipt_shows_control_pledge_and_content_to_its_pledgee(api: Api, story: Story):
    receipt = api.get(BANK, f"/v1/receipts/{story.receipt}/summary").json()
    assert (receipt["status"], receipt["owner"]["entity"], receipt["pledged"]) == ("active", OWNER, True)
    assert (receipt["quantity"], receipt["unit"], receipt["content"]["goods"]["name"]) == ("24560", "KGM", CANARY)
    [pledge] = receipt["pledges"]
    assert (pledge["status"], pledge["rank"], pledge["pledgee"]["name"]) == ("live", 1, NAMES[BANK][0])


def test_a_facility_shows_hold_deferral_and_sums_to_its_parties(api: Api, story: Story):
    facility = api.get(OWNER, f"/v1/facilities/{story.facility}/summary").json()
    assert [each["state"] for each in facility["instalments"]] == ["due", "deferred", "due"]
    assert facility["instalments"][1]["deferredTo"] == "2026-10-31T00:00:00+08:00"
    assert (facility["held"], facility["holds"][0]["rule"]) == (True, 0)
    assert facility["drawn"] == {"minor": 40_000_019, "currency": "CNY"}


def test_an_action_names_clause_values_threshold_and_what_would_have_had_to_differ(api: Api, story: Story):
    actions = api.get(OWNER, f"/v1/facilities/{story.facility}/actions").json()["items"]
    hold = actions[-1]
    assert (hold["action"], hold["clause"]["number"]) == ("hold", "7.1")
    mass = hold["conditions"][1]
    assert [each["value"] for each in mass["values"]] == ["24000", "24000"]
    assert (mass["threshold"], mass["wouldNotHaveFired"]["instead"]) == ("23999", "23999")


def test_an_insurer_sees_the_claim_and_not_the_loan(api: Api, story: Story):
    claim = api.get(INSURER, "/v1/claims").json()["items"][0]
    assert (claim["state"], claim["cover"]) == ("open", story.cover)
    facility = api.get(INSURER, f"/v1/facilities/{story.facility}/summary").json()
    assert (facility["terms"], facility["drawn"], facility["instalments"][0]["amount"]) == (None, None, None)


def test_a_history_is_whole_and_in_order(api: Api, story: Story):
    history = api.get(KEEPER, f"/v1/receipts/{story.receipt}/history").json()
    assert [(each["seq"], each["act"]) for each in history["items"]] == [(1, "issue"), (2, "pledge")]
    assert history["items"][-1]["head"] == history["head"]


def test_a_past_block_is_answered_as_it_was(api: Api, story: Story):
    path = f"/v1/facilities/{story.facility}/summary?as_of_block={story.before_hold}"
    facility = api.get(BANK, path).json()
    assert (facility["held"], facility["block"]["number"]) == (False, story.before_hold)
    assert [each["state"] for each in facility["instalments"]] == ["due", "due", "due"]


def test_a_past_time_is_answered_by_the_block_of_that_time(api: Api, story: Story):
    seconds = api.get(BANK, f"/v1/blocks/head?as_of_block={story.before_hold}").json()["block"]["time"]
    time = rfc3339(seconds * 1000, api.services.zone)
    answer = api.http.get(
        "/v1/blocks/head", params={"as_of_time": time}, headers={"Authorization": f"Bearer {api.token(BANK)}"}
    )
    assert answer.json()["block"]["number"] == story.before_hold


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("as_of_block=999999", 404, "block-unknown"),
        ("as_of_block=-1", 422, "invalid-request"),
        ("as_of_time=yesterday", 422, "invalid-request"),
        ("as_of_block=3&as_of_time=2026-09-22T00:00:00%2B08:00", 422, "invalid-request"),
        ("cursor=%21", 422, "invalid-request"),
        ("limit=0", 422, "invalid-request"),
    ],
)
def test_a_question_that_cannot_be_answered_names_its_parameter(api: Api, query: str, status: int, code: str):
    answer = api.get(BANK, f"/v1/receipts?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_id_that_is_none_is_refused_by_name(api: Api):
    answer = api.get(BANK, "/v1/receipts/17")
    assert answer.json()["errors"][0]["parameter"] == "receipt_id"


def test_what_has_not_changed_is_not_sent_again(api: Api, story: Story):
    path = f"/v1/receipts/{story.receipt}"
    tag = api.get(BANK, path).headers["etag"]
    again = api.get(BANK, path, **{"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_each_record_links_to_its_proof(api: Api, story: Story):
    answer = api.get(BANK, f"/v1/receipts/{story.receipt}/history")
    assert answer.headers["link"] == f'</v1/receipts/{story.receipt}/proof>; rel="proof"'
    assert answer.json()["proof"] == f"/v1/receipts/{story.receipt}/proof"


def test_lists_are_paged_by_opaque_cursors(api: Api):
    first = api.get(REGULATOR, "/v1/entities?limit=5").json()
    rest = api.get(REGULATOR, f"/v1/entities?limit=5&cursor={first['next']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (5, 3, None)


def test_amounts_are_whole_minor_units_and_great_numbers_are_texts(api: Api, story: Story):
    def check(value: object) -> None:
        assert not isinstance(value, float)
        assert not isinstance(value, int) or abs(value) < 2**53
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(each)

    for line in everything(api, BANK, story).splitlines():
        check(json.loads(line))


def test_measurements_are_for_readers_of_a_covenant(api: Api, story: Story):
    span = "from=2026-09-21T08:00:00%2B08:00&to=2026-09-21T08:10:00%2B08:00"
    path = f"/v1/observations?schema={data_hex(SCHEMA.id)}&{span}"
    assert api.get(INSURER, path).status_code == 503
    items = api.get(BANK, path).json()["items"]
    assert (len(items), items[0]["value"], items[0]["flag"]) == (10, "245600", 1)
    assert items[0]["round"] == data_hex(round_id(SCHEMA.id, START))
    assert api.get(OWNER, f"/v1/facilities/{story.facility}/covenant").json()["covenant"]["rules"][0]["name"] == "alone"
    assert api.get(BANK, f"/v1/devices/{data_hex(DEVICE)}").json()["seq"] == 41
    assert api.get(BANK, f"/v1/devices/0x{'00' * 16}").status_code == 404


def test_a_span_without_offset_is_refused(api: Api):
    answer = api.get(BANK, f"/v1/observations?schema={data_hex(SCHEMA.id)}&from=yesterday&to=2026-09-21")
    assert answer.json()["errors"][0]["parameter"] == "from"
