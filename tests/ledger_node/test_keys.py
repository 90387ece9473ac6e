"""Key files and signers: closed to others, silent about the key."""

import copy
import json
import pickle
from pathlib import Path

import pytest
from eth_account import Account

from ledger_node import keys, secp256k1
from ledger_node.hashing import keccak256
from ledger_node.keys import WORK_OF_GENERATED, KeyFileError, LocalSigner
from ledger_node.transactions import Transaction, read_raw

KEY = keccak256(b"a key for tests")


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    keys.new_passphrase(tmp_path / "passphrase")
    return tmp_path / "passphrase"


@pytest.fixture
def key_file(tmp_path: Path, passphrase: Path) -> Path:
    LocalSigner(KEY).save(tmp_path / "key.json", passphrase, WORK_OF_GENERATED)
    return tmp_path / "key.json"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o666])
@pytest.mark.parametrize("which", ["key.json", "passphrase"])
def test_a_file_that_is_open_to_others_is_refused(key_file: Path, passphrase: Path, which: str, mode: int) -> None:
    (key_file.parent / which).chmod(mode)
    with pytest.raises(KeyFileError, match=f"{which}: is open to group or others; run chmod 600"):
        keys.load_signer(key_file, passphrase)


def test_another_passphrase_is_refused(key_file: Path, tmp_path: Path) -> None:
    keys.new_passphrase(tmp_path / "other")
    with pytest.raises(KeyFileError, match="the passphrase is another one"):
        keys.load_signer(key_file, tmp_path / "other")


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "not json", '{"version":3}', '{"version":2,"crypto":{}}'])
def test_a_broken_key_file_is_refused(key_file: Path, passphrase: Path, text: str) -> None:
    key_file.write_text(text)
    with pytest.raises(KeyFileError, match="is no key file"):
        keys.load_signer(key_file, passphrase)


@pytest.mark.parametrize("text", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_passphrase_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_bytes(text)
    with pytest.raises(KeyFileError, match="passphrase: "):
        keys.read_passphrase(path)


@pytest.mark.parametrize("name", ["absent", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyFileError):
        keys.read_passphrase(tmp_path / name)


def test_an_existing_key_is_never_replaced(key_file: Path, passphrase: Path) -> None:
    with pytest.raises(KeyFileError, match="File exists"):
        LocalSigner.generate().save(key_file, passphrase, WORK_OF_GENERATED)


def test_a_new_key_is_not_made_for_a_passphrase_that_is_lost(key_file: Path, passphrase: Path) -> None:
    passphrase.unlink()
    with pytest.raises(KeyFileError, match="passphrase: No such file"):
        keys.open_signer(key_file, passphrase)


def test_no_text_shows_the_key(key_file: Path) -> None:
    signer = LocalSigner(KEY)
    shown = f"{signer} {signer!r} {key_file.read_text()}"
    assert KEY.hex() not in shown.lower()
    assert str(int.from_bytes(KEY, "big")) not in shown


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_signer_cannot_be_copied_out(copied: object) -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        copied(LocalSigner(KEY))  # type: ignore[operator]


def test_files_are_written_for_their_owner_alone(key_file: Path, passphrase: Path) -> None:
    assert [path.stat().st_mode & 0o777 for path in (key_file, passphrase)] == [0o600, 0o600]


def test_a_saved_key_is_loaded_and_other_tools_read_it(key_file: Path, passphrase: Path) -> None:
    assert keys.load_signer(key_file, passphrase).address == secp256k1.address_of(KEY)
    document = json.loads(key_file.read_text())
    assert document["version"] == 3
    assert document["crypto"]["kdf"] == "scrypt"
    assert bytes(Account.decrypt(document, keys.read_passphrase(passphrase))) == KEY


def test_opening_makes_a_key_once(tmp_path: Path) -> None:
    first = keys.open_signer(tmp_path / "a" / "key.json", tmp_path / "a" / "passphrase")
    assert keys.open_signer(tmp_path / "a" / "key.json", tmp_path / "a" / "passphrase").address == first.address


def test_what_a_signer_signs_is_from_its_address() -> None:
    signer = LocalSigner(KEY)
    digest = keccak256(b"a consent")
    assert secp256k1.recover(digest, signer.sign_digest(digest)) == signer.address
    assert secp256k1.recover(digest, signer.sign65(digest)) == signer.address
    transaction = Transaction(20590, 0, None, b"\x00", 100_000)
    assert read_raw(signer.sign_transaction(transaction)) == (transaction, signer.address)
