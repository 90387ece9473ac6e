"""The consortium's goods key: a service without it does not start, and never makes one of its own."""

from pathlib import Path

import pytest

from api.goods_key import GoodsKeyError, make_goods_key, read_goods_key
from ledger_node.hashing import keccak256
from registry.goods import goods_key_hash
from tests.api.app_kit import GOODS_HASH, GOODS_KEY, Api, start


def test_a_service_without_the_file_does_not_start_and_makes_none(api: Api):
    file = api.folder / "keys" / "goods"
    file.unlink()
    with pytest.raises(
        GoodsKeyError, match=r"keys/goods: No such file or directory; put the founder's keys/goods there"
    ):
        start(api.folder, api.chain)
    assert not file.exists()


@pytest.mark.parametrize("key", [bytes(32), GOODS_KEY[:31], GOODS_KEY + b"\n", b""])
def test_another_key_is_refused_by_the_file_s_name(tmp_path: Path, key: bytes):
    (tmp_path / "goods").write_bytes(key)
    with pytest.raises(GoodsKeyError, match="goods: is not the one that addresses.goodsKeyHash names; put the founder"):
        read_goods_key(tmp_path / "goods", GOODS_HASH)


def test_a_broken_key_is_not_founded_with(tmp_path: Path):
    (tmp_path / "goods").write_bytes(b"short")
    with pytest.raises(GoodsKeyError, match="goods: must hold 32 bytes"):
        make_goods_key(tmp_path / "goods")


def test_the_key_that_a_consortium_was_founded_with_is_read(tmp_path: Path):
    made = make_goods_key(tmp_path / "goods")
    assert make_goods_key(tmp_path / "goods") == made
    assert read_goods_key(tmp_path / "goods", goods_key_hash(made)) == made
    assert goods_key_hash(made) == keccak256(b"cangdan/goods-key/1\n" + made)
