"""A consortium on the embedded ledger, in process: contracts deployed and wired, parties with keys, their acts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger_node.abi import decode_revert, encode_call, encode_creation
from ledger_node.bindings import structs
from ledger_node.client import ChainClient
from ledger_node.embedded.provider import EmbeddedProvider, chain_in_directory
from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.secp256k1 import address_of, sign_digest
from ledger_node.transactions import Transaction, signed, signing_digest
from registry.acts import Contract
from registry.consents import Consent, digest
from registry.transitions import Deployment

CHAIN_ID = 20590
GAS = 8_000_000
ZERO = bytes(32)
BANK, KEEPER, INSURER, DEPOSITOR, INSPECTOR, REGULATOR, OTHER_BANK, OTHER_KEEPER = range(1, 9)
KINDS = [1, 2, 3, 4, 5, 6, 1, 2]
PANEL = 1
ORDER = [
    "ConsortiumAccess", "ParticipantRegistry", "GoodsIndex", "ReceiptRegistry", "AttestationHub", "DeviceRegistry",
    "IssueDesk", "DeliveryDesk", "CreditBook", "PledgeRegistry", "HoldDesk", "CoverBook", "ReviewBoard", "RuleEngine",
]  # fmt: skip
ARGUMENTS: dict[str, list[Any]] = {
    "ParticipantRegistry": ["ConsortiumAccess"],
    "GoodsIndex": ["ConsortiumAccess"],
    "ReceiptRegistry": ["ConsortiumAccess", "ParticipantRegistry"],
    "AttestationHub": ["ConsortiumAccess"],
    "DeviceRegistry": ["ParticipantRegistry"],
    "IssueDesk": ["ReceiptRegistry", "ParticipantRegistry", "GoodsIndex", "AttestationHub"],
    "DeliveryDesk": ["ReceiptRegistry", "ParticipantRegistry", "GoodsIndex"],
    "PledgeRegistry": ["ReceiptRegistry", "ParticipantRegistry", "CreditBook"],
    "HoldDesk": ["ReceiptRegistry", "ParticipantRegistry"],
    "CreditBook": ["ConsortiumAccess", "ParticipantRegistry"],
    "CoverBook": ["ConsortiumAccess", "ParticipantRegistry", "CreditBook"],
    "ReviewBoard": ["ConsortiumAccess", "ParticipantRegistry", "CreditBook", 86_400],
    "RuleEngine": ["ConsortiumAccess", "AttestationHub", "CreditBook", "ReviewBoard", "CoverBook", 3600, 50, 100],
}
WIRES = [
    ("ReceiptRegistry", 1, "IssueDesk"), ("ReceiptRegistry", 2, "PledgeRegistry"),
    ("ReceiptRegistry", 3, "PledgeRegistry"), ("ReceiptRegistry", 4, "DeliveryDesk"),
    ("ReceiptRegistry", 5, "IssueDesk"), ("ReceiptRegistry", 6, "HoldDesk"), ("ReceiptRegistry", 7, "HoldDesk"),
    ("GoodsIndex", 1, "IssueDesk"), ("GoodsIndex", 2, "DeliveryDesk"), ("CreditBook", 1, "RuleEngine"),
    ("CreditBook", 2, "ReviewBoard"), ("ReviewBoard", 1, "RuleEngine"), ("CoverBook", 1, "RuleEngine"),
]  # fmt: skip


class LocalClient(ChainClient):
    """A client of a chain in this process."""

    def __init__(self, provider: EmbeddedProvider) -> None:
        super().__init__("http://local")
        self._endpoints.all[0]._provider = provider  # type: ignore[assignment]


class RefusedError(Exception):
    """A transaction was mined as refused; the text is the cause."""


def key_of(name: str) -> bytes:
    return keccak256(b"test key " + name.encode())


@dataclass
class Consortium:
    """The ledger with everything deployed; entities 1 to 8 are BANK, KEEPER, ... as the constants say."""

    folder: Path
    clock: float = 1_790_000_000.0
    addresses: dict[str, bytes] = field(default_factory=dict)
    oracle_keys: list[bytes] = field(default_factory=lambda: sorted(
        (key_of(f"oracle {at}") for at in range(4)), key=lambda key: address_of(key)))  # fmt: skip

    def __post_init__(self) -> None:
        self.chain = chain_in_directory(self.folder, signer=LocalSigner(key_of("sealer")), clock=lambda: self.clock)
        self.provider = EmbeddedProvider(self.chain)
        self.client = LocalClient(self.provider)
        self._nonces: dict[bytes, int] = {}

    def close(self) -> None:
        self.chain.close()

    @property
    def deployment(self) -> Deployment:
        return Deployment(CHAIN_ID, {Contract(name): address for name, address in self.addresses.items()})

    @property
    def now_ms(self) -> int:
        return int(self.clock * 1000)

    # --- sending

    def send(self, who: str, to: bytes | None, data: bytes, *, check: bool = True) -> bytes:
        self.clock += 1
        key = key_of(who)
        nonce = self._nonces.get(key, 0)
        transaction = Transaction(CHAIN_ID, nonce, to, data, GAS)
        raw = signed(transaction, sign_digest(key, signing_digest(transaction)))
        hash_ = self.client.send_raw(raw)
        self._nonces[key] = nonce + 1
        receipt = self.client.receipt(hash_)
        assert receipt is not None
        if check and not receipt.succeeded:
            raise RefusedError(str(decode_revert(self.client.revert_data(hash_) or b"")))
        return hash_

    def act(self, who: str, contract: str, function: str, *args: object, check: bool = True) -> bytes:
        return self.send(who, self.addresses[contract], encode_call(contract, function, *args), check=check)

    def deploy(self) -> "Consortium":
        for name in ORDER:
            given = ARGUMENTS.get(name, [address_of(key_of("operator"))])
            args = [self.addresses[arg] if isinstance(arg, str) else arg for arg in given]
            receipt = self.client.receipt(self.send("operator", None, encode_creation(name, *args)))
            assert receipt is not None
            assert receipt.contract is not None, name
            self.addresses[name] = receipt.contract
        for contract, part, desk in WIRES:
            self.act("operator", contract, "wire", part, self.addresses[desk])
        return self

    def populate(self) -> "Consortium":
        functions = ["register", "addAccount", "revokeAccount", "setGroup", "setStatus"]
        selectors = [encode_call("ParticipantRegistry", name, *_ANY[name])[:4] for name in functions]
        target = self.addresses["ParticipantRegistry"]
        self.act("operator", "ConsortiumAccess", "setTargetFunctionRole", target, selectors, 1)
        self.act("operator", "ConsortiumAccess", "grantRole", 1, address_of(key_of("operator")), 0)
        for entity, kind in enumerate(KINDS, start=1):
            account = address_of(key_of(f"entity {entity}"))
            self.act("operator", "ParticipantRegistry", "register", kind, keccak256(b"id %d" % entity), account)
        self.act("operator", "AttestationHub", "setOracles", [address_of(key) for key in self.oracle_keys], 1)
        self.act("operator", "ReviewBoard", "setPanel", PANEL, 2, [BANK, REGULATOR])
        return self

    # --- consents

    def sign(self, consent: Consent, *entities: int) -> bytes:
        what = digest(consent, self.deployment)
        return b"".join(sign_digest(key_of(f"entity {entity}"), what) for entity in entities)

    def issue(
        self, quantity: int = 24_560, unit_keys: tuple[bytes, ...] = (), place: bytes = b"", content: bytes = b"",
        keeper: int = KEEPER,
    ) -> bytes:  # fmt: skip
        consent = structs.Issue(
            content or keccak256(b"content %d" % self.now_ms), DEPOSITOR, keeper, 1, 0, quantity,
            place or keccak256(b"place %d" % self.now_ms), keccak256(b"".join(unit_keys)), ZERO, self.now_ms,
        )  # fmt: skip
        self.act("entity 4", "IssueDesk", "issue", consent, list(unit_keys), [], self.sign(consent, DEPOSITOR, keeper))
        return digest(consent, self.deployment)

    def pledge_consent(self, receipt: bytes, pledgee: int = BANK, facility: bytes = ZERO) -> structs.Pledge:
        word = self.word("ReceiptRegistry", receipt)
        seq, owner, keeper = word >> 128 & 0xFFFFFFFF, word & 0xFFFFFFFF, word >> 32 & 0xFFFFFFFF
        return structs.Pledge(receipt, seq, owner, keeper, pledgee, facility, keccak256(b"terms"), self.now_ms)

    def pledge(self, receipt: bytes, pledgee: int = BANK, facility: bytes = ZERO, *, check: bool = True) -> bytes:
        consent = self.pledge_consent(receipt, pledgee, facility)
        signatures = self.sign(consent, consent.pledgor, consent.keeper, pledgee)
        self.act(f"entity {pledgee}", "PledgeRegistry", "pledge", consent, signatures, check=check)
        self.last_pledge = consent
        return digest(consent, self.deployment)

    def release(self, pledge: structs.Pledge) -> None:
        consent = structs.Release(digest(pledge, self.deployment), 1, pledge.pledgee, self.now_ms)
        self.act("entity 1", "PledgeRegistry", "release", consent, pledge, self.sign(consent, pledge.pledgee))

    def hold(self, receipt: bytes, bit: int = 3) -> None:
        self.act("entity 2", "HoldDesk", "place", receipt, bit, keccak256(b"order"))

    def clear(self, receipt: bytes, bit: int = 3) -> None:
        self.act("entity 2", "HoldDesk", "clear", receipt, bit, keccak256(b"order"), keccak256(b"clearing"))

    def facility(self, rules_root: bytes, rules: int, schedule_root: bytes = ZERO, instalments: int = 0) -> bytes:
        consent = structs.Facility(
            BANK, DEPOSITOR, PANEL, rules, instalments, keccak256(b"facility terms"), rules_root, schedule_root,
            self.now_ms,
        )  # fmt: skip
        self.act("entity 1", "CreditBook", "openFacility", consent, self.sign(consent, BANK, DEPOSITOR))
        return digest(consent, self.deployment)

    def draw(self, facility: bytes) -> None:
        draws = self.word("CreditBook", facility) >> 176 & 0xFFFF
        consent = structs.Drawdown(facility, draws, keccak256(b"amount"), self.now_ms)
        self.act("entity 1", "CreditBook", "draw", consent, self.sign(consent, BANK, DEPOSITOR))

    def repay(self, facility: bytes, instalment: int) -> None:
        consent = structs.Repayment(facility, instalment, keccak256(b"amount"), self.now_ms)
        self.act("entity 1", "CreditBook", "repay", consent, self.sign(consent, BANK))

    def cover(self, facility: bytes, rules: int) -> bytes:
        consent = structs.Cover(INSURER, DEPOSITOR, facility, rules, keccak256(b"cover"), 0, 1 << 50, self.now_ms)
        self.act("entity 3", "CoverBook", "register", consent, self.sign(consent, INSURER, BANK, DEPOSITOR))
        return digest(consent, self.deployment)

    def fleet(self, entity: int, devices: int, root: bytes, revoked: int = 0, revocation_root: bytes = ZERO) -> None:
        epoch = (self.word("DeviceRegistry", entity.to_bytes(32, "big")) & 0xFFFFFFFF) + 1
        consent = structs.Fleet(entity, epoch, devices, revoked, root, revocation_root, self.now_ms)
        self.act("operator", "DeviceRegistry", "setFleet", consent, self.sign(consent, entity))

    def word(self, contract: str, id_: bytes) -> int:
        data = self.client.call(self.addresses[contract], encode_call(contract, "records", id_))
        return int.from_bytes(data[:32], "big")


_ANY: dict[str, list[object]] = {
    "register": [1, ZERO, bytes(20)],
    "addAccount": [1, bytes(20), 1],
    "revokeAccount": [bytes(20)],
    "setGroup": [1, 1],
    "setStatus": [1, 1, ZERO],
}
