"""Parameters of a JSON-RPC method, read strictly and refused by name."""

from collections.abc import Sequence

from eth_typing import Address

from ledger_node.embedded.errors import UnknownBlock
from ledger_node.embedded.rpc.errors import INVALID_PARAMS, RpcError
from ledger_node.embedded.store import ReadStore
from ledger_node.embedded.values import Block, LogQuery
from ledger_node.embedded.vm import CREATE, Call
from ledger_node.hexvalues import HexError, read_address, read_data, read_quantity

TAGS = ("latest", "pending", "safe", "finalized")
"""All name the newest block: what is sealed is final, and no block is shown before it is sealed."""
MAX_TOPICS = 4
MAX_ALTERNATIVES = 1_000
_FEE_FIELDS = frozenset(("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"))
_CALL_FIELDS = _FEE_FIELDS | {"from", "to", "gas", "value", "data", "input", "nonce", "chainId", "accessList", "type"}


class Params:
    """The parameters by place."""

    def __init__(self, values: Sequence[object], most: int) -> None:
        if len(values) > most:
            raise RpcError(INVALID_PARAMS, f"too many arguments, want at most {most}")
        self._values = values

    def get(self, place: int) -> object:
        """A required value."""
        if place >= len(self._values) or self._values[place] is None:
            raise RpcError(INVALID_PARAMS, f"missing value for required argument {place}")
        return self._values[place]

    def optional(self, place: int, default: object = None) -> object:
        """A value that may be left out."""
        value = self._values[place] if place < len(self._values) else None
        return default if value is None else value

    def address(self, place: int) -> Address:
        """A required address."""
        return Address(read_address(f"argument {place}", self.get(place)))

    def hash(self, place: int) -> bytes:
        """A required hash of 32 bytes."""
        return read_data(f"argument {place}", self.get(place), 32)

    def data(self, place: int) -> bytes:
        """Required bytes."""
        return read_data(f"argument {place}", self.get(place))

    def flag(self, place: int) -> bool:
        """A boolean, false when left out."""
        value = self.optional(place, False)
        if not isinstance(value, bool):
            raise RpcError(INVALID_PARAMS, f"invalid argument {place}: must be true or false")
        return value

    def quantity(self, place: int) -> int:
        """A required quantity."""
        return read_quantity(f"argument {place}", self.get(place))


def find_block(store: ReadStore, head: Block, selector: object) -> Block | None:
    """The block of a tag, a number, or an object of EIP-1898; None when there is none. Raises RpcError, HexError."""
    if selector in TAGS:
        return head
    if selector == "earliest":
        return store.block_by_number(0)
    if isinstance(selector, dict):
        if "blockHash" in selector:
            return store.block_by_hash(read_data("blockHash", selector["blockHash"], 32))
        selector = selector.get("blockNumber")
    number = read_quantity("block number", selector, 64)
    return head if number == head.number else store.block_by_number(number) if number < head.number else None


def block_of(store: ReadStore, head: Block, selector: object) -> Block:
    """As `find_block`, but raises UnknownBlock when there is none."""
    block = find_block(store, head, selector)
    if block is None:
        raise UnknownBlock(str(selector))
    return block


def read_slot(field: str, value: object) -> int:
    """A storage slot, as a quantity or as up to 32 bytes of data. Raises HexError."""
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > 66:
        raise HexError(f"{field}: must be 0x and at most 64 hexadecimal digits")
    digits = value[2:]
    return int.from_bytes(read_data(field, "0x" + digits.rjust(len(digits) + len(digits) % 2, "0")), "big")


def read_call(value: object, gas_cap: int) -> Call:
    """A call object of eth_call and eth_estimateGas; its gas is at most `gas_cap`. Raises RpcError, HexError."""
    if not isinstance(value, dict):
        raise RpcError(INVALID_PARAMS, "invalid argument 0: must be a call object")
    unknown = sorted(set(value) - _CALL_FIELDS)
    if unknown:
        raise RpcError(INVALID_PARAMS, f"invalid argument 0: unknown field {unknown[0]}")
    given = {name: entry for name, entry in value.items() if entry is not None}
    if "data" in given and "input" in given and given["data"] != given["input"]:
        raise RpcError(INVALID_PARAMS, 'both "data" and "input" are set and not equal')
    gas = read_quantity("gas", given["gas"], 64) if "gas" in given else gas_cap
    return Call(
        sender=Address(read_address("from", given.get("from", "0x" + "00" * 20))),
        to=Address(read_address("to", given["to"])) if given.get("to") else CREATE,
        gas=min(gas, gas_cap),
        data=read_data("data", given.get("input", given.get("data", "0x"))),
        value=read_quantity("value", given.get("value", "0x0")),
        gas_price=read_quantity("gasPrice", given.get("gasPrice", given.get("maxFeePerGas", "0x0"))),
        access_list=_access_list(given.get("accessList", [])),
    )


def read_log_query(store: ReadStore, head: Block, value: object) -> LogQuery:
    """A filter object of eth_getLogs. Raises RpcError, HexError, UnknownBlock."""
    if not isinstance(value, dict):
        raise RpcError(INVALID_PARAMS, "invalid argument 0: must be a filter object")
    if "blockHash" in value:
        if value.get("fromBlock") is not None or value.get("toBlock") is not None:
            raise RpcError(
                INVALID_PARAMS, "cannot specify both blockHash and fromBlock/toBlock, choose one or the other"
            )
        block = store.block_by_hash(read_data("blockHash", value["blockHash"], 32))
        if block is None:
            raise RpcError(-32000, "unknown block")
        first = last = block.number
    else:
        first, last = (_number(head, value.get(name)) for name in ("fromBlock", "toBlock"))
        if first > last:
            raise RpcError(INVALID_PARAMS, "invalid block range params")
    return LogQuery(first, min(last, head.number), _addresses(value.get("address")), _topics(value.get("topics")))


def _number(head: Block, selector: object) -> int:
    if selector is None or selector in TAGS:
        return head.number
    return 0 if selector == "earliest" else read_quantity("block number", selector, 64)


def _addresses(value: object) -> tuple[bytes, ...]:
    values = [] if value is None else value if isinstance(value, list) else [value]
    return tuple(read_address("address", each) for each in _limited(values))


def _topics(value: object) -> tuple[tuple[bytes, ...], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_TOPICS:
        raise RpcError(INVALID_PARAMS, f"topics: must be a list of at most {MAX_TOPICS}")
    places = [[] if each is None else each if isinstance(each, list) else [each] for each in value]
    return tuple(
        () if None in place else tuple(read_data("topics", topic, 32) for topic in _limited(place)) for place in places
    )


def _limited(values: list[object]) -> list[object]:
    if len(values) > MAX_ALTERNATIVES:
        raise RpcError(INVALID_PARAMS, f"at most {MAX_ALTERNATIVES} alternatives at one place")
    return values


def _access_list(value: object) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    if not isinstance(value, list):
        raise RpcError(INVALID_PARAMS, "accessList: must be a list")
    entries: list[tuple[bytes, tuple[int, ...]]] = []
    for entry in value:
        if not isinstance(entry, dict) or not isinstance(entry.get("storageKeys", []), list):
            raise RpcError(INVALID_PARAMS, "accessList: each entry has address and storageKeys")
        keys = tuple(read_slot("storageKeys", key) for key in entry.get("storageKeys", []))
        entries.append((read_address("accessList.address", entry.get("address")), keys))
    return tuple(entries)
