"""A chain without a machine: blocks of the model's logs with headers, roots and blooms that agree, and forks of them.

`Chain` is what there is; `Node` tells it as JSON-RPC, and tells it badly when it is to.
"""

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ledger_node.abi import encode_call, selector
from ledger_node.batches import Call
from ledger_node.chain_values import Receipt, read_receipt
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.endpoints import TooMuch
from ledger_node.hashing import keccak256
from ledger_node.headers import Header, header_json
from ledger_node.hexvalues import address_hex, data_hex
from registry.acts import Contract
from registry.index.receipts import bloom_of, receipts_root
from registry.transitions import Deployment
from tests.registry.model import ADDRESSES, CHAIN_ID, NAMES, ZERO, Model, ModelLog
from tests.registry.walk import Walk

DEPLOYMENT = Deployment(CHAIN_ID, {Contract(name): ADDRESSES[name] for name in NAMES})
FINALITY = 5
_STRANGER = b"\x77" * 20
_DATED = ("open", "replace", "cover")
"""Acts that are told apart by their time alone: one of them in a block."""
Json = dict[str, Any]


class BlockModel(Model):
    """A model whose acts stay in their block."""

    def tick(self, seconds: int = 1) -> None:
        pass


@dataclass(frozen=True)
class SimBlock:
    """A block as a node tells it, and the walk after it."""

    header: Header
    hash: bytes
    receipts: list[Json]
    calls: dict[str, Json]
    walk: Walk

    def json(self) -> Json:
        hashes = [each["transactionHash"] for each in self.receipts]
        return {**header_json(self.header), "hash": data_hex(self.hash), "transactions": hashes, "uncles": []}


@dataclass
class Chain:
    """The blocks in force, and those that were in force before the last fork. Blocks that were final once stay."""

    random: Random
    blocks: list[SimBlock] = field(default_factory=list)
    former: list[SimBlock] = field(default_factory=list)
    final: int = 0

    def __post_init__(self) -> None:
        model = BlockModel()
        self.blocks.append(self._seal(None, Walk(model), []))
        for kind in (1, 2, 3, 4):
            model.register(kind, bytes([kind]) * 20)
        self.former = self.blocks

    @property
    def head(self) -> int:
        return len(self.blocks) - 1

    def grow(self, count: int, acts: int = 3) -> None:
        for _ in range(count):
            self.blocks.append(self._next(self.blocks[-1], acts))
        self.final = max(self.final, self.head - FINALITY)

    def fork(self, depth: int) -> None:
        """Drops the last blocks, as many as may be, and seals others: about as many, or fewer that are heavier."""
        depth = min(depth, self.head - self.final)
        others = depth + self.random.randint(-1, 3)
        self.replace(depth, self.random.randint(1, max(1, depth)) if self.random.random() < 0.3 else max(0, others))

    def replace(self, dropped: int, sealed: int) -> None:
        """Drops the last blocks, whether they were final or not, and seals others."""
        self.former = list(self.blocks)
        del self.blocks[len(self.blocks) - dropped :]
        self.grow(sealed)

    def _next(self, parent: SimBlock, acts: int) -> SimBlock:
        walk = copy.deepcopy(parent.walk)
        model = walk.model
        before = [] if parent.header.number else model.logs
        model.block, model.logs = parent.header.number + 1, []
        model.time = parent.header.timestamp + self.random.randint(1, 9)
        if before:
            # The first block registers the parties, whose heads cover block and time.
            model.records, model.accounts, model.entities = {}, {}, 0
            for kind in (1, 2, 3, 4):
                model.register(kind, bytes([kind]) * 20)
        groups = [model.logs[:]] if model.logs else []
        dated = False
        for _ in range(self.random.randint(0, acts)):
            if self.random.random() < 0.15:
                groups.append([])
                continue
            possible = walk.possible()
            name = self.random.choice(sorted(set(possible) - (set(_DATED) if dated else set())))
            dated = dated or name in _DATED
            since = len(model.logs)
            possible[name](Drawn(self.random))
            groups.append(model.logs[since:])
        return self._seal(parent, walk, [[each[2] for each in group] for group in groups])

    def _seal(self, parent: SimBlock | None, walk: Walk, groups: Sequence[Sequence[ModelLog]]) -> SimBlock:
        number = 0 if parent is None else parent.header.number + 1
        hashes = [keccak256(b"%d %d" % (self.random.getrandbits(128), at)) for at in range(len(groups))]
        receipts = [
            _receipt(number, at, hash_, logs) for at, (hash_, logs) in enumerate(zip(hashes, groups, strict=True))
        ]
        read: list[Receipt] = [read_receipt(each) for each in receipts]
        header = Header(
            parent_hash=ZERO if parent is None else parent.hash, ommers_hash=ZERO, coinbase=bytes(20), state_root=ZERO,
            transactions_root=keccak256(b"".join(hashes)), receipts_root=receipts_root(read),
            logs_bloom=bloom_of(log for each in read for log in each.logs), difficulty=1, number=number,
            gas_limit=10**7, gas_used=21_000 * len(groups), timestamp=walk.model.time,
            extra_data=self.random.randbytes(8), mix_hash=ZERO, nonce=bytes(8),
        )  # fmt: skip
        hash_ = header.hash()
        for each in receipts:
            for part in (each, *each["logs"]):
                part["blockHash"] = data_hex(hash_)
        return SimBlock(header, hash_, receipts, {each["transactionHash"]: _call(each) for each in receipts}, walk)


class Drawn(Random):
    """Draws of tests.registry.walk from another generator."""

    def __init__(self, source: Random) -> None:
        super().__init__(source.getrandbits(64))

    def some(self, among: Sequence[Any]) -> list[Any]:
        return [each for each in among if self.random() < 0.3]


def _receipt(number: int, at: int, hash_: bytes, logs: Sequence[ModelLog]) -> Json:
    place = {"blockNumber": hex(number), "blockHash": data_hex(ZERO), "transactionHash": data_hex(hash_)}
    place["transactionIndex"] = hex(at)
    answer: Json = {
        **place, "from": address_hex(_STRANGER), "to": address_hex(ADDRESSES["PledgeRegistry"]),
        "contractAddress": None, "status": hex(bool(logs)), "gasUsed": hex(21_000),
        "cumulativeGasUsed": hex(21_000 * (at + 1)), "logsBloom": data_hex(bytes(256)), "type": "0x0",
        "logs": [
            {**place, "address": address_hex(log.address), "topics": [data_hex(each) for each in log.topics],
             "data": data_hex(log.data), "logIndex": hex(log.log_index)}
            for log in logs
        ],
    }  # fmt: skip
    if not logs:
        answer["revertReason"] = data_hex(keccak256(b"Refused()")[:4])
    return answer


def _call(receipt: Json) -> Json:
    data = encode_call("ParticipantRegistry", "setGroup", 1, 2)
    if receipt["status"] == "0x0":
        data = selector("PledgeRegistry", "pledge")
    numbers = {"value": "0x0", "gas": "0x5208", "nonce": "0x0"}
    return {"from": receipt["from"], "to": receipt["to"], "input": data_hex(data), **numbers}


@dataclass
class Node(ChainClient):
    """A client of a chain in this process. `faults`: how often of 1000 requests it does not answer as it should."""

    chain: Chain
    random: Random
    faults: int = 0

    def __post_init__(self) -> None:
        super().__init__("http://simulated")

    def request(self, method: str, *params: object) -> Any:
        blocks = self.chain.blocks
        if self.random.randrange(1000) < self.faults:
            match self.random.randrange(5):
                case 0:
                    raise ChainUnavailable("node http://simulated does not answer: read timeout")
                case 1:
                    raise RpcError(-32005, "limit exceeded")
                case 2:
                    return None
                case 3:
                    blocks = self.chain.former
                case _ if method == "eth_blockNumber":
                    return hex(max(0, self.chain.head + self.random.randint(-9, 3)))
        return answer(blocks, method, *params)

    def request_all(self, calls: Sequence[Call]) -> list[Any]:
        if len(calls) > 1 and self.random.randrange(1000) < self.faults:
            raise self.random.choice((TooMuch, ChainUnavailable))("node http://simulated does not answer")
        return [self._told(each) for each in calls]

    def _told(self, call: Call) -> Any:
        try:
            return self.request(call.method, *call.params)
        except RpcError as error:
            return error


class AtOnce(Executor):
    """Does what it is given before it gives an answer: what is read ahead is read at a moment that the seed knows."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def answer(blocks: Sequence[SimBlock], method: str, *params: object) -> Any:
    """What a node with these blocks answers."""
    if method == "eth_chainId":
        return hex(CHAIN_ID)
    if method == "eth_blockNumber":
        return hex(len(blocks) - 1)
    [what, *_] = params
    assert isinstance(what, str)
    if method in ("eth_getBlockByNumber", "eth_getBlockReceipts"):
        number = int(what, 16)
        block = blocks[number] if number < len(blocks) else None
        if block is None:
            return None
        return block.json() if method == "eth_getBlockByNumber" else copy.deepcopy(block.receipts)
    if method == "eth_getTransactionByHash":
        return next((block.calls[what] for block in blocks if what in block.calls), None)
    if method == "eth_getTransactionReceipt":
        found = (each for block in blocks for each in block.receipts)
        return next((copy.deepcopy(each) for each in found if each["transactionHash"] == what), None)
    raise RpcError(-32601, f"{method} is unknown")
