"""A member whose key is in a signer elsewhere: what the interface says while that signer does not sign."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.members import MembersError, load
from ledger_node.hexvalues import address_hex
from ledger_node.keys import WORK_OF_GENERATED, new_passphrase
from tests.api.app_kit import Api, start
from tests.api.contents import other_issue_request
from tests.api.seed import KEEPER, OWNER, signer
from tests.ledger_node.test_remote_signer import signing


@dataclass(frozen=True)
class Signer:
    """The process that has the owner's key; a file in its folder says how it behaves."""

    folder: Path
    url: str

    def behaves(self, manner: str | None) -> None:
        if manner is None:
            (self.folder / "manner").unlink(missing_ok=True)
        else:
            (self.folder / "manner").write_text(manner)

    def asked(self, method: str) -> int:
        return (self.folder / "asked").read_text().splitlines().count(method)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    folder = tmp_path_factory.mktemp("signer")
    new_passphrase(folder / "passphrase")
    signer(OWNER).save(folder / "key.json", folder / "passphrase", WORK_OF_GENERATED)
    with signing(folder) as url:
        yield Signer(folder, url)


@pytest.fixture
def elsewhere(api: Api, process: Signer) -> Iterator[Signer]:
    """The owner of the story signs elsewhere, and no longer with a key file."""
    edit_owner(api, {"signerFile": "signer.toml"})
    account = address_hex(signer(OWNER).address)
    (api.folder / "signer.toml").write_text(f'url = "{process.url}"\naccount = "{account}"\ntimeout_seconds = 60\n')
    (process.folder / "asked").write_text("")
    yield process
    process.behaves(None)


def edit_owner(api: Api, given: dict[str, str]) -> None:
    members = json.loads((api.folder / "members.json").read_text())
    owner = next(each for each in members["members"] if each["entity"] == OWNER)
    owner.pop("keyFile", None)
    owner.update(given)
    (api.folder / "members.json").write_text(json.dumps(members))


def drafted(api: Api) -> dict[str, Any]:
    return api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))


def complete(api: Api) -> dict[str, Any]:
    return api.sign(drafted(api), OWNER, KEEPER)


@pytest.mark.parametrize("more", [{"keyFile": "keys/1.json"}, {"passphraseFile": "keys/1.pass"}])
def test_a_key_file_beside_a_signer_is_refused(api: Api, more: dict[str, str]):
    edit_owner(api, {"signerFile": "signer.toml", **more})
    with pytest.raises(MembersError, match="signerFile excludes keyFile and passphraseFile"):
        load(api.folder / "members.json")


def test_a_signers_file_that_cannot_be_used_is_the_operators_to_mend(api: Api, elsewhere: Signer):
    (api.folder / "signer.toml").write_text("url = 'http://10.1.2.3'")
    answer = api.post(OWNER, f"/v1/drafts/{drafted(api)['id']}/consents", {"sign": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "10.1.2.3" not in answer.text


@pytest.mark.parametrize(
    ("manner", "cause"),
    [("away", "does not answer"), ("wrong-key", "another key"), ("refusing", "No unlocked account")],
)
def test_a_consent_that_is_not_signed_is_told_with_its_cause_and_can_be_given_later(
    api: Api, elsewhere: Signer, manner: str, cause: str
):
    draft = drafted(api)
    elsewhere.behaves(manner)
    headers, path = api.headers(OWNER), f"/v1/drafts/{draft['id']}/consents"
    answer = api.http.post(path, json={"sign": True}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "signer-unavailable")
    assert cause in answer.json()["detail"]
    assert elsewhere.url not in answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert api.get(OWNER, f"/v1/drafts/{draft['id']}").json()["parties"][0]["state"] == "waiting"
    elsewhere.behaves(None)
    assert api.http.post(path, json={"sign": True}, headers=headers).json()["parties"][0]["state"] == "signed"


@pytest.mark.parametrize(("manner", "cause"), [("away", "does not answer"), ("other-bytes", "another transaction")])
def test_an_act_that_is_not_signed_leaves_nothing_half_done(api: Api, elsewhere: Signer, manner: str, cause: str):
    draft = complete(api)
    elsewhere.behaves(manner)
    answer = api.submit(OWNER, draft)
    assert (answer.status_code, answer.json()["code"]) == (503, "signer-unavailable")
    assert cause in answer.json()["detail"]
    assert api.get(OWNER, f"/v1/drafts/{draft['id']}").json()["operation"] is None
    assert api.outboxes.statuses()[OWNER].pending == 0
    elsewhere.behaves(None)
    operation = api.submit(OWNER, draft)
    assert api.get(OWNER, operation.headers["location"]).json()["state"] == "final"
    assert api.submit(OWNER, draft).json()["code"] == "conflict"


def test_what_was_sent_can_be_followed_while_the_signer_is_away_by_a_new_process_too(api: Api, elsewhere: Signer):
    location = api.submit(OWNER, complete(api)).headers["location"]
    elsewhere.behaves("away")
    api.outboxes.stop()
    again = start(api.folder, api.chain)
    assert again.get(OWNER, location).json()["state"] == "final"
    again.outboxes.stop()


def test_consents_and_acts_are_signed_by_the_signer_as_by_the_key(api: Api, elsewhere: Signer):
    draft = drafted(api)
    api.post(OWNER, f"/v1/drafts/{draft['id']}/consents", {"sign": True})
    operation = api.submit(OWNER, api.sign(draft, KEEPER))
    assert api.get(OWNER, operation.headers["location"]).json()["state"] == "final"
    assert (elsewhere.asked("eth_signTypedData"), elsewhere.asked("eth_signTransaction")) == (1, 1)
