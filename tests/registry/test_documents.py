"""Documents: contents refused by field, commitments, blocks and their CIDs."""

from pathlib import Path

import pytest

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from oracle.formats.opening import Opening
from registry.documents.cid import CidError, cid_of, digest_of
from registry.documents.commitment import DocumentError, check, seal
from registry.documents.fields import is_lei, is_uscc
from registry.documents.models import MODELS, read
from registry.documents.store import Documents, FolderStore, MissingBlock
from tests.registry.documents_data import DEPOSITOR, KEEPER, receipt_content

REQUIRED = [name for name in receipt_content() if name != "schema"]


@pytest.mark.parametrize("field", REQUIRED)
def test_a_receipt_without_a_required_field_is_refused_by_name(field: str) -> None:
    content = receipt_content()
    del content[field]
    with pytest.raises(DocumentError, match=rf"^{field}: is missing"):
        read(content)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("label", "Quittung", "label: "),
        ("quantity", 0, "quantity: "),
        ("quantity", "24560", "quantity: "),
        ("unit", "kilo", "unit: must be a UN/ECE"),
        ("issuedAt", "2026-11-21", "issuedAt: must be a time"),
        ("storageTo", "2020-01-01", "storageTo: lies before"),
        ("commingled", True, "pool: is demanded"),
        ("pool", "P-1", "pool: is demanded"),
        ("keeperOwnsGoods", True, "keeperOwnsGoods: "),
        ("unitIds", ["A", "A"], "unitIds: one stands twice"),
        ("owner", "me", "owner: is unknown"),
        ("lossStandardBps", 10_001, "lossStandardBps: "),
    ],
)
def test_a_receipt_that_breaks_a_rule_is_refused_by_field(field: str, value: JsonValue, rule: str) -> None:
    with pytest.raises(DocumentError, match=f"^{rule}"):
        read(receipt_content() | {field: value})


def test_a_party_with_a_wrong_check_digit_is_refused_by_its_path() -> None:
    content = receipt_content()
    content["depositor"] = {"name": "Copper Trading", "id": "91350100M000100Y44", "address": "9 Mill Lane"}
    with pytest.raises(DocumentError, match=r"^depositor.id: must be an LEI or"):
        read(content)


def test_an_unknown_schema_is_refused() -> None:
    with pytest.raises(DocumentError, match="^schema: must be one of"):
        read({"schema": "cangdan/receipt/9"})


def test_an_opening_with_another_salt_is_refused() -> None:
    opening = seal(receipt_content())
    with pytest.raises(DocumentError, match="is not what the commitment"):
        check(Opening(bytes(32), opening.text), opening.commitment)


def test_an_opening_whose_text_is_not_canonical_is_refused() -> None:
    loose = Opening(bytes(32), b'{ "a": 1 }')
    with pytest.raises(DocumentError, match="canonical"):
        check(loose, loose.commitment)


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(DocumentError, match="32 bytes"):
        seal({}, b"short")


@pytest.mark.parametrize("cid", ["", "Qm" + "a" * 44, "b" + "a" * 58, cid_of(b"x").upper(), cid_of(b"x") + "a"])
def test_a_text_that_is_no_raw_cid_is_refused(cid: str) -> None:
    with pytest.raises(CidError):
        digest_of(cid)


def test_a_commitment_is_the_hash_of_salt_and_canonical_json() -> None:
    opening = seal({"b": 1, "a": "仓单"}, bytes([7]) * 32)
    assert opening.commitment == keccak256(bytes([7]) * 32 + '{"a":"仓单","b":1}'.encode())


def test_a_whole_receipt_is_read_without_a_loss() -> None:
    whole = read(receipt_content()).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert whole == receipt_content()


def test_every_model_is_named_by_its_own_schema() -> None:
    for schema, model in MODELS.items():
        assert model.model_json_schema()["properties"]["schema"]["const"] == schema


def test_legal_ids_are_checked_by_their_check_digits() -> None:
    assert is_lei(KEEPER)
    assert is_uscc(DEPOSITOR)
    assert not is_lei(KEEPER[:-1] + "3")
    assert not is_uscc("I" + DEPOSITOR[1:])


def test_a_cid_is_the_raw_block_cid_of_ipfs() -> None:
    assert cid_of(b"hello world\n") == "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(FolderStore(tmp_path / "blocks"), tmp_path / "catalogue", bytes(32))


def test_a_missing_document_is_told(documents: Documents) -> None:
    with pytest.raises(MissingBlock):
        documents.get(bytes(32))


def test_an_altered_block_is_refused(documents: Documents, tmp_path: Path) -> None:
    cid = documents.put(seal(receipt_content()))
    path = tmp_path / "blocks" / cid
    block = path.read_bytes()
    path.write_bytes(block[:-1] + bytes([block[-1] ^ 1]))
    with pytest.raises(DocumentError, match="is not what its CID names"):
        FolderStore(tmp_path / "blocks").get(cid)


def test_another_members_key_opens_nothing(documents: Documents, tmp_path: Path) -> None:
    opening = seal(receipt_content())
    documents.put(opening)
    stranger = Documents(FolderStore(tmp_path / "blocks"), tmp_path / "catalogue", bytes([1]) * 32)
    with pytest.raises(DocumentError, match="does not decrypt"):
        stranger.get(opening.commitment)


def test_a_kept_document_comes_back_and_rests_encrypted(documents: Documents, tmp_path: Path) -> None:
    opening = seal(receipt_content())
    cid = documents.put(opening)
    assert documents.put(opening) == cid
    assert documents.get(opening.commitment) == opening
    assert b"Copper" not in (tmp_path / "blocks" / cid).read_bytes()
