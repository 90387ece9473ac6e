"""A model of the contracts in plain numbers and dicts, written apart from the registry: it keeps storage, emits logs.

It knows the layout of words and heads from docs/formats/ledger.md alone and shares no code with registry.state.
"""

from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode as abi
from sha3 import keccak_256

CHAIN_ID = 20590
NAMES = [
    "ParticipantRegistry", "GoodsIndex", "ReceiptRegistry", "PledgeRegistry", "DeviceRegistry", "AttestationHub",
    "RuleEngine", "CreditBook", "ReviewBoard", "CoverBook", "IssueDesk", "DeliveryDesk", "HoldDesk", "ConsortiumAccess",
]  # fmt: skip
ADDRESSES = {name: bytes([0xC0 + at]) * 20 for at, name in enumerate(NAMES)}
ZERO = bytes(32)


def keccak(data: bytes) -> bytes:
    return keccak_256(data).digest()


def word32(value: int) -> bytes:
    return value.to_bytes(32, "big")


def number(value: int) -> bytes:
    return word32(value)


def topic(signature: str) -> bytes:
    return keccak(signature.encode())


def eip712(contract: str, kind: str, types: list[str], values: list[Any]) -> bytes:
    domain = keccak(
        abi(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [
                topic("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak(b"Cangdan"),
                keccak(b"1"),
                CHAIN_ID,
                "0x" + ADDRESSES[contract].hex(),
            ],
        )
    )
    return keccak(b"\x19\x01" + domain + keccak(abi(["bytes32", *types], [topic(kind), *values])))


ISSUE = (
    "Issue(bytes32 contentHash,uint32 depositor,uint32 keeper,uint16 profile,uint16 flags,uint64 quantity,"
    "bytes32 positionKey,bytes32 unitKeysHash,bytes32 replaces,uint64 draftedAt)"
)
PLEDGE = (
    "Pledge(bytes32 receipt,uint32 seq,uint32 pledgor,uint32 keeper,uint32 pledgee,bytes32 facility,"
    "bytes32 termsHash,uint64 draftedAt)"
)
FACILITY = (
    "Facility(uint32 lender,uint32 borrower,uint16 panel,uint8 rules,uint16 instalments,bytes32 termsHash,"
    "bytes32 rulesRoot,bytes32 scheduleRoot,uint64 draftedAt)"
)
COVER = (
    "Cover(uint32 insurer,uint32 insured,bytes32 facility,uint32 rules,bytes32 termsHash,uint64 start,uint64 end,"
    "uint64 draftedAt)"
)


def types_of(signature: str) -> list[str]:
    return [member.split(" ")[0] for member in signature[signature.index("(") + 1 : -1].split(",")]


@dataclass(frozen=True)
class ModelLog:
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    log_index: int


@dataclass
class Model:
    """Storage and logs. `block` and `time` are those of the next act."""

    block: int = 1
    time: int = 1_700_000_000
    records: dict[tuple[str, bytes], tuple[int, bytes]] = field(default_factory=dict)
    pledges: dict[bytes, int] = field(default_factory=dict)
    claims: dict[bytes, int] = field(default_factory=dict)
    accounts: dict[bytes, int] = field(default_factory=dict)
    instalments: dict[bytes, int] = field(default_factory=dict)
    guards: dict[tuple[bytes, int], int] = field(default_factory=dict)
    claim_states: dict[bytes, int] = field(default_factory=dict)
    logs: list[tuple[int, int, ModelLog]] = field(default_factory=list)
    entities: int = 0
    issues: dict[bytes, list[Any]] = field(default_factory=dict)
    keys: dict[bytes, list[bytes]] = field(default_factory=dict)
    pledge_of: dict[bytes, list[Any]] = field(default_factory=dict)
    holds: dict[tuple[bytes, int], bytes] = field(default_factory=dict)

    def tick(self, seconds: int = 1) -> None:
        self.block += 1
        self.time += seconds

    def emit(self, contract: str, topics: list[bytes], data: bytes) -> None:
        index = sum(1 for block, _, _ in self.logs if block == self.block)
        self.logs.append((self.block, self.time, ModelLog(ADDRESSES[contract], tuple(topics), data, index)))

    def word(self, contract: str, id_: bytes) -> int:
        return self.records.get((contract, id_), (0, ZERO))[0]

    def advance(self, contract: str, id_: bytes, act: int, word: int, data: bytes) -> None:
        head = self.records.get((contract, id_), (0, ZERO))[1]
        seq = ((word >> 128) & 0xFFFFFFFF) + 1
        word = word & ~(0xFFFFFFFF << 128) | seq << 128
        digest = keccak(abi(["uint8", "uint256", "uint256", "uint256", "bytes32"],
                            [act, word, self.block, self.time, keccak(data)]))  # fmt: skip
        self.records[contract, id_] = (word, keccak(abi(["bytes32", "uint32", "bytes32"], [head, seq, digest])))
        signature = topic("Transition(bytes32,uint8,uint32,uint256,bytes)")
        self.emit(contract, [signature, id_, number(act)], abi(["uint32", "uint256", "bytes"], [seq, word, data]))

    # --- parties

    def register(self, kind: int, account: bytes) -> int:
        self.entities += 1
        id_ = number(self.entities)
        self.accounts[account] = self.entities | 2 << 32 | 1 << 40
        data = abi(["uint8", "bytes32", "address"], [kind, keccak(account), "0x" + account.hex()])
        self.advance("ParticipantRegistry", id_, 1, kind | 1 << 8 | 1 << 16, data)
        return self.entities

    def account(self, entity: int, account: bytes, role: int, add: bool) -> None:
        word = self.word("ParticipantRegistry", number(entity))
        self.accounts[account] = entity | role << 32 | (1 if add else 2) << 40
        word += (1 if add else -1) << 16
        data = abi(["address", "uint8"], ["0x" + account.hex(), role])
        self.advance("ParticipantRegistry", number(entity), 2 if add else 3, word, data)

    def set_group(self, entity: int, group: int) -> None:
        word = self.word("ParticipantRegistry", number(entity))
        word = word & ~(0xFFFFFFFF << 32) | group << 32
        self.advance("ParticipantRegistry", number(entity), 4, word, abi(["uint32"], [group]))

    def set_fleet(self, entity: int, devices: int, root: bytes) -> None:
        word = self.word("DeviceRegistry", number(entity))
        epoch = (word & 0xFFFFFFFF) + 1
        word = word & ~((1 << 96) - 1) | epoch | devices << 32
        data = abi(["uint32"] * 4 + ["bytes32"] * 2 + ["uint64"], [entity, epoch, devices, 0, root, ZERO, 5])
        self.advance("DeviceRegistry", number(entity), 1, word, data)

    # --- receipts

    def issue(self, depositor: int, keeper: int, quantity: int, keys: list[bytes], replaces: bytes = ZERO) -> bytes:
        values = [keccak(b"content"), depositor, keeper, 1, 0, quantity, keys[0], keccak(b"".join(keys[1:])), replaces]
        values.append(self.time * 1000)
        id_ = eip712("ReceiptRegistry", ISSUE, types_of(ISSUE), values)
        self.issues[id_], self.keys[id_] = values, keys
        word = depositor | keeper << 32 | 1 << 96 | 1 << 160 | quantity << 176
        self.advance("ReceiptRegistry", id_, 1, word, abi(types_of(ISSUE), values))
        for key in keys:
            generation = self.claims.get(key, 0) & 0xFFFFFFFF
            generation += 1 - generation % 2
            self.claims[key] = int.from_bytes(id_[:28], "big") << 32 | generation
        self.emit("GoodsIndex", [topic("GoodsClaimed(bytes32,bytes32[])"), id_], abi(["bytes32[]"], [keys]))
        return id_

    def free(self, id_: bytes) -> None:
        for key in self.keys[id_]:
            if self.claims[key] & 1 and self.claims[key] >> 32 == int.from_bytes(id_[:28], "big"):
                self.claims[key] += 1
        self.emit("GoodsIndex", [topic("GoodsFreed(bytes32,bytes32[])"), id_], abi(["bytes32[]"], [self.keys[id_]]))

    def pledge(self, receipt: bytes, pledgee: int) -> bytes:
        word = self.word("ReceiptRegistry", receipt)
        owner, keeper, seq = word & 0xFFFFFFFF, word >> 32 & 0xFFFFFFFF, word >> 128 & 0xFFFFFFFF
        values = [receipt, seq, owner, keeper, pledgee, ZERO, keccak(b"terms"), self.time * 1000]
        id_ = eip712("ReceiptRegistry", PLEDGE, types_of(PLEDGE), values)
        ordinal = (word >> 112 & 0xFFFF) + 1
        self.pledges[id_] = (
            pledgee | owner << 32 | 1 << 96 | 1 << 104 | ordinal << 112 | 1 << 128
            | int.from_bytes(receipt[:12], "big") << 160
        )  # fmt: skip
        self.pledge_of[id_] = values
        word = word & ~(0xFFFFFF << 104) | 1 << 104 | ordinal << 112
        self.advance("ReceiptRegistry", receipt, 2, word, abi(types_of(PLEDGE), values))
        return id_

    def release(self, pledge: bytes) -> None:
        values = self.pledge_of[pledge]
        self.pledges[pledge] += (1 << 96) + (1 << 128)
        word = self.word("ReceiptRegistry", values[0]) - (1 << 104)
        data = abi(["bytes32", "uint32", "uint32", "uint64"], [pledge, 1, values[4], 9])
        self.advance("ReceiptRegistry", values[0], 3, word, data)

    def deliver(self, receipt: bytes) -> None:
        word = self.word("ReceiptRegistry", receipt)
        values = [receipt, word >> 128 & 0xFFFFFFFF, word & 0xFFFFFFFF, word >> 32 & 0xFFFFFFFF, keccak(b"order"), 7]
        data = abi(["bytes32", "uint32", "uint32", "uint32", "bytes32", "uint64"], values)
        self.advance("ReceiptRegistry", receipt, 4, word + (1 << 96), data)
        self.free(receipt)

    def replace(self, receipt: bytes) -> bytes:
        values = self.issues[receipt]
        changed = [*values[:8], receipt, self.time * 1000]
        new = eip712("ReceiptRegistry", ISSUE, types_of(ISSUE), changed)
        word = self.word("ReceiptRegistry", receipt)
        self.advance("ReceiptRegistry", receipt, 5, word + (2 << 96), abi(["bytes32"], [new]))
        assert self.issue(values[1], values[2], values[5], self.keys[receipt], receipt) == new
        self.free(receipt)
        return new

    def hold(self, receipt: bytes, bit: int, authority: int, on: bool) -> None:
        word = self.word("ReceiptRegistry", receipt)
        order = keccak(b"order")
        word = word | 1 << 64 + bit if on else word & ~(1 << 64 + bit)
        values = [receipt, bit, authority, order, ZERO if on else keccak(b"clear")]
        data = abi(["bytes32", "uint8", "uint32", "bytes32", "bytes32"], values)
        self.holds[receipt, bit] = keccak(abi(["uint32", "bytes32"], [authority, order])) if on else ZERO
        self.advance("ReceiptRegistry", receipt, 6 if on else 7, word, data)

    # --- credit

    def facility(self, lender: int, borrower: int, rules: int, instalments: int, root: bytes = ZERO) -> bytes:
        values = [lender, borrower, 1, rules, instalments, keccak(b"terms"), root, keccak(b"s"), self.time * 1000]
        id_ = eip712("CreditBook", FACILITY, types_of(FACILITY), values)
        word = (
            lender | borrower << 32 | 1 << 96 | rules << 104 | instalments << 112 | 1 << 160 | 10_000 << 192
        )  # fmt: skip
        self.instalments[id_] = 0
        self.advance("CreditBook", id_, 1, word, abi(types_of(FACILITY), values))
        return id_

    def draw(self, facility: bytes) -> None:
        word = self.word("CreditBook", facility)
        values = [facility, word >> 176 & 0xFFFF, keccak(b"amount"), 3]
        data = abi(["bytes32", "uint16", "bytes32", "uint64"], values)
        self.advance("CreditBook", facility, 2, word + (1 << 176), data)

    def repay(self, facility: bytes, ordinal: int) -> None:
        self.instalments[facility] = self.instalments[facility] & ~(15 << 4 * ordinal) | 1 << 4 * ordinal
        data = abi(["bytes32", "uint16", "bytes32", "uint64"], [facility, ordinal, keccak(b"amount"), 3])
        self.advance("CreditBook", facility, 3, self.word("CreditBook", facility), data)

    def fire(self, facility: bytes, act: int, rule: int, slot: int, target: bytes, firing: bytes, due: int = 0) -> None:
        word = self.word("CreditBook", facility)
        action = {4: 1, 5: 5, 6: 2}[act]
        if act == 4:
            word |= 1 << 64 + rule
        if act == 5:
            ordinal = int.from_bytes(target, "big")
            self.instalments[facility] = self.instalments[facility] & ~(15 << 4 * ordinal) | 2 << 4 * ordinal
            word += 1 << 208
        self.guards[facility, rule] = slot
        leaf = keccak(b"leaf")
        types = ["uint8", "uint8", "bytes32", "bytes32", "uint64", "bytes32", "uint64"]
        self.advance(
            "CreditBook", facility, act, word, abi(types, [rule, action, leaf, keccak(firing), slot, target, due])
        )
        seq = self.word("CreditBook", facility) >> 128 & 0xFFFFFFFF
        signature = topic("RuleFired(bytes32,bytes32,uint32,bytes)")
        self.emit("RuleEngine", [signature, facility, leaf], abi(["uint32", "bytes"], [seq, firing]))

    def open_review(self, facility: bytes, rule: int) -> bytes:
        seq = (self.word("CreditBook", facility) >> 128 & 0xFFFFFFFF) + 1
        id_ = keccak(abi(["bytes32", "uint32"], [facility, seq]))
        data = abi(["bytes32", "uint32", "uint8", "uint8", "bytes32"], [facility, seq, rule, 1, keccak(b"firing")])
        self.advance("ReviewBoard", id_, 1, 1 | rule << 16 | 1 << 24 | (self.time + 600) << 64, data)
        return id_

    def decide(self, review: bytes, verdict: int) -> None:
        word = self.word("ReviewBoard", review)
        reason = keccak(b"reason")
        word = word & ~(0xFFFF << 24) & ~(((1 << 96) - 1) << 160) | 2 << 24 | verdict << 32
        word |= int.from_bytes(reason[:8], "big") << 160 | self.time << 224
        types = [
            "bytes32",
            "uint8",
            "bytes32",
            "bytes32",
            "uint64",
            "bytes32",
            "uint32",
            "bytes32",
            "uint64",
            "uint256",
        ]
        data = abi(types, [review, verdict, reason, ZERO, 4, ZERO, 0, ZERO, 0, 1 | 2 << 32])
        self.advance("ReviewBoard", review, 2, word, data)

    def clear(self, facility: bytes, rule: int, review: bytes) -> None:
        word = self.word("CreditBook", facility) & ~(1 << 64 + rule)
        self.advance("CreditBook", facility, 7, word, abi(["uint8", "bytes32"], [rule, review]))

    def cover(self, insurer: int, insured: int, facility: bytes) -> bytes:
        values = [insurer, insured, facility, 3, keccak(b"terms"), 0, 1 << 40, self.time * 1000]
        id_ = eip712("CoverBook", COVER, types_of(COVER), values)
        self.claim_states[id_] = 0
        self.advance("CoverBook", id_, 1, insurer | insured << 32 | 1 << 96, abi(types_of(COVER), values))
        return id_

    def open_claim(self, cover: bytes, facility: bytes, slot: int) -> int:
        word = self.word("CoverBook", cover)
        claim = word >> 112 & 0xFFFF
        self.claim_states[cover] |= 1 << 4 * claim
        data = abi(["uint16", "bytes32", "bytes32", "uint64"], [claim, facility, keccak(b"firing"), slot])
        self.advance("CoverBook", cover, 2, word + (1 << 104) + (1 << 112), data)
        return claim

    def decide_claim(self, cover: bytes, claim: int, verdict: int) -> None:
        word = self.word("CoverBook", cover) - (1 << 104)
        self.claim_states[cover] = self.claim_states[cover] & ~(15 << 4 * claim) | verdict << 4 * claim
        data = abi(["bytes32", "uint16", "uint8", "bytes32", "uint64"], [cover, claim, verdict, keccak(b"reason"), 8])
        self.advance("CoverBook", cover, 3, word, data)
