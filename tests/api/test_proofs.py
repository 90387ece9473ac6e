"""Answers and bundles from the interface, checked by the verifier as a stranger would."""

import json

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from ledger_node.trust import Trust
from registry.evidence.steps import StepName
from registry.evidence.verify import verify_bundle
from registry.index.codec import decode, encode
from registry.index.tables import versions
from registry.items import Facility, Kind
from tests.api.app_kit import Api
from tests.api.seed import BANK, INSURER, KEEPER, OTHER_BANK, OTHER_KEEPER, OWNER, REGULATOR
from tests.api.story import Story


def trust(api: Api) -> Trust:
    return api.chain.trust()


@pytest.mark.parametrize("reader", [BANK, OWNER, KEEPER, REGULATOR])
def test_each_reader_s_answer_about_a_receipt_is_proved_in_every_field(api: Api, story: Story, reader: int):
    answer = api.get(reader, f"/v1/receipts/{story.receipt}")
    bundle = api.get(reader, answer.json()["links"]["proof"])
    verdict = verify_bundle(bundle.content, trust(api), answer.content)
    assert verdict.ok, [step for step in verdict.steps if not step.ok]
    assert "pledged to 1 with rank 1" in verdict.proven


@pytest.mark.parametrize("reader", [BANK, OWNER, INSURER, REGULATOR])
def test_each_reader_s_answer_about_a_facility_is_proved_in_every_field(api: Api, story: Story, reader: int):
    answer = api.get(reader, f"/v1/facilities/{story.facility}")
    bundle = api.get(reader, answer.json()["links"]["proof"])
    verdict = verify_bundle(bundle.content, trust(api), answer.content)
    assert verdict.ok, [step for step in verdict.steps if not step.ok]


def test_an_answer_that_was_changed_is_not_proved(api: Api, story: Story):
    answer = api.get(BANK, f"/v1/facilities/{story.facility}").json()
    bundle = api.get(BANK, answer["links"]["proof"]).content
    answer["data"]["held"] = False
    verdict = verify_bundle(bundle, trust(api), json.dumps(answer).encode())
    assert [step.name for step in verdict.steps if not step.ok] == [StepName.ANSWER]


def test_an_edited_index_changes_nothing_in_what_verifies(api: Api, story: Story):
    bundle = api.get(BANK, f"/v1/facilities/{story.facility}/proof").content
    here = (
        versions.c.kind == Kind.FACILITY.value,
        versions.c.key == bytes.fromhex(story.facility[2:]),
        versions.c.valid_to.is_(None),
    )
    with api.engine.begin() as connection:
        facility = decode(Facility, connection.execute(select(versions.c.body).where(*here)).scalar_one())
        lie = encode(replace(facility, word=replace(facility.word, holds=0)))
        connection.execute(update(versions).where(*here).values(body=lie))
    lying = api.get(BANK, f"/v1/facilities/{story.facility}")
    assert lying.json()["data"]["held"] is False
    assert not verify_bundle(bundle, trust(api), lying.content).ok


def test_a_past_block_is_proved_as_it_was(api: Api, story: Story):
    answer = api.get(BANK, f"/v1/facilities/{story.facility}?as_of_block={story.before_hold}")
    assert answer.json()["data"]["held"] is False
    bundle = api.get(BANK, answer.json()["links"]["proof"])
    assert verify_bundle(bundle.content, trust(api), answer.content).ok


@pytest.mark.parametrize("stranger", [OTHER_BANK, OTHER_KEEPER])
def test_a_stranger_gets_neither_answer_nor_bundle(api: Api, story: Story, stranger: int):
    for path in (f"receipts/{story.receipt}", f"facilities/{story.facility}"):
        assert api.get(stranger, f"/v1/{path}").status_code == 404
        assert api.get(stranger, f"/v1/{path}/proof").status_code == 404
