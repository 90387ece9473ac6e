"""Strict hexadecimal at the borders: JSON-RPC texts to bytes and numbers, and back.

JSON-RPC knows two forms (Ethereum execution-apis): data, two digits a byte; and quantities, no leading zeros.
Both begin with `0x`. Anything else is refused by the name of its field.
"""

import re
from binascii import unhexlify
from functools import lru_cache

from eth_utils.address import to_checksum_address

_DATA_RULE = "must be 0x and two hexadecimal digits a byte"
_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]*)\Z")


class HexError(ValueError):
    """A text is not the hexadecimal form that its field demands."""


def read_data(field: str, value: object, size: int | None = None) -> bytes:
    """The bytes of `0x..` data; `size` is their exact number. Raises HexError that names `field`."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise HexError(f"{field}: {_DATA_RULE}")
    try:
        data = unhexlify(value[2:])
    except ValueError:
        raise HexError(f"{field}: {_DATA_RULE}") from None
    if size is not None and len(data) != size:
        raise HexError(f"{field}: must be {size} bytes, has {len(data)}")
    return data


def read_quantity(field: str, value: object, bits: int = 256) -> int:
    """The number of a `0x..` quantity of at most `bits` bits. Raises HexError that names `field`."""
    if not isinstance(value, str) or not _QUANTITY.match(value):
        raise HexError(f"{field}: must be 0x and hexadecimal digits without leading zeros")
    number = int(value, 16)
    if number.bit_length() > bits:
        raise HexError(f"{field}: must fit {bits} bits")
    return number


def read_address(field: str, value: object) -> bytes:
    """The 20 bytes of an address; mixed case must carry a valid checksum (EIP-55). Raises HexError."""
    data = read_data(field, value, 20)
    digits = str(value)[2:]
    if digits not in (digits.lower(), digits.upper()) and address_hex(data) != value:
        raise HexError(f"{field}: mixed case without a valid checksum (EIP-55)")
    return data


def data_hex(data: bytes) -> str:
    """`0x` and two lower-case digits a byte."""
    return "0x" + data.hex()


@lru_cache(1 << 12)
def address_hex(address: bytes) -> str:
    """The checksummed text of a 20-byte address (EIP-55); few addresses stand in most answers."""
    return str(to_checksum_address(address))
