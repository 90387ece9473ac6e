"""The file of the consortium's key for goods keys: made where a consortium is founded, and nowhere else.

Goods are found to be pledged twice only while all members make their tags with the same key: one that is made anew
matches nobody's, and nothing would say so.
"""

import hmac
from pathlib import Path

from ledger_node.files import load_or_make_secret, make_folder
from registry.goods import KEY_BYTES, goods_key_hash


class GoodsKeyError(ValueError):
    """The key is not there, or is not the consortium's; the message names the file and says what to do."""


def make_goods_key(path: Path) -> bytes:
    """The key of a consortium that is being founded, made at the first time. Raises GoodsKeyError, OSError."""
    make_folder(path.parent, 0o700)
    try:
        return load_or_make_secret(path)
    except ValueError as error:
        raise GoodsKeyError(f"goods key {path}: {error}") from None


def read_goods_key(path: Path, commitment: bytes) -> bytes:
    """The consortium's key, of which `commitment` is in the addresses file. Raises GoodsKeyError."""
    mend = f"put the founder's keys/goods there, {KEY_BYTES} bytes, over a channel that both trust"
    try:
        key = path.read_bytes()
    except OSError as error:
        raise GoodsKeyError(f"goods key {path}: {error.strerror}; {mend}") from None
    if len(key) != KEY_BYTES or not hmac.compare_digest(goods_key_hash(key), commitment):
        raise GoodsKeyError(f"goods key {path}: is not the one that addresses.goodsKeyHash names; {mend}")
    return key
