"""Members of this machine's API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.founding.enrolment import Enrolment, Newcomer
from api.founding.logins import LOGINS_FILE, logins
from api.members import load
from api.security.passwords import matches
from ledger_node.keys import KeyFileError
from ledger_node.signing import SignerError
from tests.api.founding.conftest import Founded

BANK = Newcomer("bank", "First Bank", "第一银行", "5299000J2N45DDNE4Y28")


@pytest.fixture
def enrolment(founded: Founded, tmp_path: Path) -> Iterator[Enrolment]:
    operator = founded.operator()
    yield Enrolment(tmp_path, tmp_path / "members.json", operator)
    operator.outbox.close()


def test_a_members_key_that_others_may_read_is_refused(enrolment: Enrolment) -> None:
    seat = enrolment.seat(BANK)
    seat.key_file.chmod(0o644)
    with pytest.raises(KeyFileError, match="is open to group or others"):
        enrolment.seat(BANK)


def test_a_members_folder_with_a_key_and_a_signer_elsewhere_is_refused(enrolment: Enrolment) -> None:
    seat = enrolment.seat(BANK)
    seat.key_file.with_name("signer.toml").write_text("")
    with pytest.raises(KeyFileError, match="holds key.json and signer.toml; keep the one that is the member's"):
        enrolment.seat(BANK)


def test_a_member_whose_signer_does_not_answer_is_not_enrolled(enrolment: Enrolment, tmp_path: Path) -> None:
    folder = tmp_path / "members" / f"bank-{BANK.identifier.lower()}"
    folder.mkdir(parents=True)
    account = "0x" + "11" * 20
    (folder / "signer.toml").write_text(f"url = 'http://127.0.0.1:1'\naccount = '{account}'\n")
    with pytest.raises(SignerError, match="does not answer: connect error"):
        enrolment.seat(BANK)
    assert load(tmp_path / "members.json").file.members == ()


def test_a_member_that_is_enrolled_keeps_entity_keys_and_people(enrolment: Enrolment, tmp_path: Path) -> None:
    first = enrolment.seat(BANK)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert enrolment.seat(BANK) == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == kept


def test_two_people_of_a_member_can_sign_in_with_passwords_of_their_own(enrolment: Enrolment, tmp_path: Path) -> None:
    enrolment.seat(BANK)
    (member,) = load(tmp_path / "members.json").file.members
    made = {each.login: each.password for each in logins(tmp_path)}
    assert len(made) == len(set(made.values())) == 2
    assert all(matches(user.password_hash, made[user.login]) for user in member.users)


def test_what_is_secret_is_its_owners_alone(enrolment: Enrolment, tmp_path: Path) -> None:
    seat = enrolment.seat(BANK)
    secret = [seat.key_file, seat.key_file.with_suffix(".pass"), seat.client_key, tmp_path / LOGINS_FILE]
    assert [path.stat().st_mode & 0o777 for path in secret] == [0o600] * 4
    assert logins(tmp_path)[0].password not in (tmp_path / "members.json").read_text()


def test_no_login_before_anybody_is_enrolled(tmp_path: Path) -> None:
    assert logins(tmp_path) == ()
