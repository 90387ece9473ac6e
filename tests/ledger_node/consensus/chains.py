"""Chains of QBFT and Clique headers made from keys: who seals, votes and errs is the test's choice.

Written apart from the product: sets are given by the test, so nothing here counts a vote.
"""

import json
from typing import Any

import rlp
import sha3
from coincurve import PrivateKey

Block = dict[str, Any]
NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
QBFT_MIX = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
ZERO20, ZERO32, NO_NONCE, ADD_NONCE = "0x" + "00" * 20, "0x" + "00" * 32, "0x" + "00" * 8, "0x" + "ff" * 8
START = 1_600_000_000
FIRST = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
ORDER = (*FIRST, "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce")
LATER = ("baseFeePerGas",)
QUANTITIES = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"}


def keccak(data: bytes) -> bytes:
    return sha3.keccak_256(data).digest()


def key(number: int) -> PrivateKey:
    """The key of a person; any number makes one."""
    return PrivateKey(keccak(b"key %d" % number))


def address(number: int) -> bytes:
    return keccak(key(number).public_key.format(compressed=False)[1:])[12:]


def by_address(*numbers: int) -> list[int]:
    """Persons in the order of their addresses, in which sets are listed and turns are taken."""
    return sorted(numbers, key=address)


def text(data: bytes) -> str:
    return "0x" + data.hex()


def raw(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def encoded(block: Block, extra: bytes) -> bytes:
    """The RLP of a header with this extra data."""
    values = {**block, "extraData": text(extra)}
    items = [_item(name, values[name]) for name in (*ORDER, *LATER) if name in values]
    return bytes(rlp.encode(items))


def _item(name: str, value: str) -> bytes:
    if name not in QUANTITIES:
        return raw(value)
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def sign(person: int, digest: bytes) -> bytes:
    return key(person).sign_recoverable(digest, hasher=None)


class Chain:
    """What both kinds share: headers in order, each the JSON of a node."""

    period = 1

    def __init__(self, genesis: dict[str, Any], block_0: Block) -> None:
        self.genesis = genesis
        self.blocks = [block_0]

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def child(self, **changes: Any) -> Block:
        """An unsealed header on the head."""
        head = self.head
        block = {
            "parentHash": head["hash"],
            "sha3Uncles": NO_UNCLES,
            "miner": ZERO20,
            "stateRoot": text(keccak(head["stateRoot"].encode())),
            "transactionsRoot": EMPTY_ROOT,
            "receiptsRoot": EMPTY_ROOT,
            "logsBloom": "0x" + "00" * 256,
            "difficulty": "0x1",
            "number": hex(int(head["number"], 16) + 1),
            "gasLimit": head["gasLimit"],
            "gasUsed": "0x0",
            "timestamp": hex(int(head["timestamp"], 16) + self.period),
            "mixHash": ZERO32,
            "nonce": NO_NONCE,
            "size": "0x1",
            "totalDifficulty": "0x1",
            "transactions": [],
            "uncles": [],
        }
        return {**block, **changes}

    def file(self, blocks: list[Block] | None = None) -> bytes:
        """The file that a light client is given."""
        return json.dumps({"headers": self.blocks if blocks is None else blocks}).encode()

    def genesis_file(self) -> bytes:
        return json.dumps(self.genesis).encode()


def genesis_of(config: dict[str, Any], extra: bytes, mix: str) -> tuple[dict[str, Any], Block]:
    """A genesis file without accounts, and its block 0 without its hash."""
    genesis = {
        "config": {"chainId": 7, **config},
        "nonce": "0x0",
        "timestamp": hex(START),
        "gasLimit": "0x1c9c380",
        "difficulty": "0x1",
        "mixHash": mix,
        "coinbase": ZERO20,
        "extraData": text(extra),
        "alloc": {},
    }
    block = {name: genesis[name] for name in ("timestamp", "gasLimit", "difficulty", "mixHash", "extraData")}
    block |= {
        "parentHash": ZERO32,
        "sha3Uncles": NO_UNCLES,
        "miner": ZERO20,
        "stateRoot": EMPTY_ROOT,
        "nonce": NO_NONCE,
    }
    block |= {"transactionsRoot": EMPTY_ROOT, "receiptsRoot": EMPTY_ROOT, "logsBloom": "0x" + "00" * 256}
    return genesis, {**block, "number": "0x0", "gasUsed": "0x0"}


class CliqueChain(Chain):
    """A Clique chain; `signers` is the set before the next block, and the test's to keep."""

    def __init__(self, *signers: int, epoch: int = 30_000, period: int = 1, **config: Any) -> None:
        self.signers, self.epoch, self.period = set(signers), epoch, period
        self.sealed: list[int] = []
        extra = bytes(32) + b"".join(address(each) for each in by_address(*signers)) + bytes(65)
        config = {"clique": {"period": period, "epoch": epoch}, **config}
        genesis, block = genesis_of(config, extra, ZERO32)
        if config.get("londonBlock") == 0:
            block["baseFeePerGas"] = hex(10**9)
        super().__init__(genesis, {**block, "hash": text(keccak(encoded(block, extra)))})

    def turn(self) -> int:
        """Who is in turn for the next block."""
        return by_address(*self.signers)[len(self.blocks) % len(self.signers)]

    def free(self) -> list[int]:
        """Who sealed none of the last floor(N/2) blocks, who is in turn first."""
        waiting = self.sealed[-(len(self.signers) // 2) :] if len(self.signers) > 1 else []
        found = [each for each in by_address(*self.signers) if each not in waiting]
        return sorted(found, key=lambda each: each != self.turn())

    def seal(self, signer: int | None = None, *, vote: tuple[int, bool] | None = None, **changes: Any) -> Block:
        """The next header, sealed by `signer` (who is in turn, if free, when not given); it becomes the head."""
        signer = self.free()[0] if signer is None else signer
        self.sealed.append(signer)
        block = self.child(difficulty="0x2" if signer == self.turn() else "0x1")
        if vote is not None:
            block |= {"miner": text(address(vote[0])), "nonce": ADD_NONCE if vote[1] else NO_NONCE}
        listed = b""
        if len(self.blocks) % self.epoch == 0:
            listed = b"".join(address(each) for each in by_address(*self.signers))
        bare = changes.pop("bare", b"cangdan".ljust(32, b"\0") + listed)
        block |= changes
        extra = bare + sign(signer, keccak(encoded(block, bare)))
        block |= {"extraData": text(extra), "hash": text(keccak(encoded(block, extra)))}
        self.blocks.append(block)
        return block

    def rounds(self, count: int) -> "CliqueChain":
        """So many blocks, each by who is in turn."""
        for _ in range(count):
            self.seal()
        return self


class QbftChain(Chain):
    """A QBFT chain; `validators` is the set of the next block, and the test's to keep."""

    def __init__(self, *validators: int, epoch: int = 30_000, quorum_client: bool = True, **config: Any) -> None:
        self.validators = set(validators)
        extra = qbft_extra(validators, None, 0, [])
        section = {"epochLength": epoch, "blockPeriodSeconds": 1}
        own = {"isQuorum": True} if quorum_client else {}
        genesis, block = genesis_of({"qbft": section, **own, **config}, extra, QBFT_MIX)
        super().__init__(genesis, {**block, "hash": text(keccak(encoded(block, extra)))})

    def seal(
        self,
        *,
        vote: tuple[bytes, bytes] | None = None,
        proposer: int | None = None,
        sealers: list[int] | None = None,
        round_: int = 0,
        sealed_round: int | None = None,
        listed: list[int] | None = None,
        **changes: Any,
    ) -> Block:
        """The next header, by default sealed by just as many as are needed; it becomes the head."""
        members = by_address(*self.validators)
        proposer = members[len(self.blocks) % len(members)] if proposer is None else proposer
        listed = members if listed is None else listed
        if sealers is None:
            sealers = members[: -(-2 * len(members) // 3)]
        block = self.child(miner=text(address(proposer)), mixHash=QBFT_MIX, **changes)
        bare = qbft_extra(listed, vote, round_ if sealed_round is None else sealed_round, [])
        seals = [sign(each, keccak(encoded(block, bare))) for each in sealers]
        block["extraData"] = text(qbft_extra(listed, vote, round_, seals))
        block["hash"] = text(keccak(encoded(block, qbft_extra(listed, vote, 0, []))))
        self.blocks.append(block)
        return block

    def rounds(self, count: int) -> "QbftChain":
        """So many blocks without a vote."""
        for _ in range(count):
            self.seal()
        return self


def qbft_extra(
    listed: Any, vote: tuple[bytes, bytes] | None, round_: int, seals: list[bytes], vanity: bytes = bytes(32)
) -> bytes:
    members = [address(each) for each in by_address(*listed)]
    scalar = round_.to_bytes((round_.bit_length() + 7) // 8, "big")
    return bytes(rlp.encode([vanity, members, [] if vote is None else list(vote), scalar, seals]))


def add(person: int) -> tuple[bytes, bytes]:
    """A QBFT vote to let somebody in."""
    return address(person), b"\xff"


def drop(person: int) -> tuple[bytes, bytes]:
    """A QBFT vote to let somebody go."""
    return address(person), b""


COVERED = ORDER
"""The fields in which any changed digit must be found."""


def other_digit(block: Block, name: str, at: int, step: int = 1) -> Block:
    """The header with digit `at` of a field changed; a quantity keeps no leading zero."""
    value = str(block[name])
    place = 2 + at % (len(value) - 2)
    digit = int(value[place], 16)
    least = 1 if name in QUANTITIES and place == 2 and len(value) > 3 else 0
    choices = [each for each in range(least, 16) if each != digit]
    return {**block, name: value[:place] + f"{choices[step % len(choices)]:x}" + value[place + 1 :]}
