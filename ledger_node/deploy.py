"""Putting the contracts on a chain in their order and wiring them, once, through an outbox (contracts/README.md).

Every creation and every call is an act with a key of its own, so a deployment that was stopped goes on where it was.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger_node import canonical_json
from ledger_node.abi import encode_call, encode_creation, selector
from ledger_node.bindings.constants import CoverParts, CreditParts, ReceiptActs, ReviewParts
from ledger_node.canonical_json import JsonValue
from ledger_node.client import ChainClient
from ledger_node.fields import exact_fields
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import HexError, address_hex, data_hex, read_address, read_data
from ledger_node.outbox import Outbox, Sent, Status
from ledger_node.transactions import created_address
from ledger_node.trust import TrustedContract

FORMAT = "cangdan/addresses/1"
REGISTRAR_ROLE = 1
_REGISTRAR_FUNCTIONS = ("register", "addAccount", "revokeAccount", "setGroup", "setStatus")
_CREATION_GAS = 10_000_000
_CALL_GAS = 1_000_000


class DeployError(Exception):
    """A contract cannot be put in place; the message names it and the cause."""


class AddressesError(ValueError):
    """An addresses file breaks a rule; the message names the field and the rule."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract that is in place: its address, the hash of its code, and the block that created it."""

    name: str
    address: bytes
    code_hash: bytes
    block: int

    def trusted(self) -> TrustedContract:
        """The contract as a trust file holds it."""
        return TrustedContract(self.name, self.address, self.code_hash)


@dataclass(frozen=True, slots=True)
class Addresses:
    """All contracts of one consortium on one chain, by block of creation and name.

    `goods_key_hash` tells whether a key is the consortium's for goods keys (registry/goods.py), and not what it is.
    """

    chain_id: int
    genesis_hash: bytes
    goods_key_hash: bytes
    contracts: tuple[Deployed, ...]

    def address(self, name: str) -> bytes:
        """The 20-byte address of a contract. Raises AddressesError for an unknown name."""
        for each in self.contracts:
            if each.name == name:
                return each.address
        raise AddressesError(f"addresses.contracts.{name}: is missing")

    def name_of(self, address: bytes) -> str | None:
        """The name of the contract at an address, None for a stranger's."""
        return next((each.name for each in self.contracts if each.address == address), None)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the consortium decides once: periods in seconds, and how many automatic actions a window admits."""

    review_period: int = 7 * 86_400
    breaker_window: int = 86_400
    breaker_of_lender: int = 20
    breaker_of_consortium: int = 100


@dataclass(frozen=True, slots=True)
class _Creation:
    name: str
    arguments: tuple[str | int, ...] = ()
    """A text is another contract's name, or `operator`; a number is itself."""


def deploy(
    client: ChainClient,
    outbox: Outbox,
    operator: bytes,
    *,
    goods_key_hash: bytes,
    registrar: bytes | None = None,
    terms: Terms | None = None,
    prefix: str = "deploy",
    tell: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> Addresses:
    """Put every contract in place and wire it; what is in place already stays.

    `operator` is the outbox's account: the administrator who wires. `goods_key_hash` goes into the addresses.
    `registrar` may register entities (the operator when it is not given). `prefix` tells deployments of one outbox
    apart. `tell` hears done, total, what. Raises DeployError, ActConflict when this prefix stands for a deployment of
    other code or terms, ChainUnavailable, ActPending.
    """
    addresses: dict[str, bytes] = {"operator": operator}
    waiting: list[tuple[str, str]] = []

    def send(what: str, to: bytes | None, data: bytes, gas: int) -> Sent:
        sent = outbox.submit(outbox.key_of_next_try(f"{prefix}/{what}"), to, data, gas=gas)
        if sent.status is Status.REFUSED:
            raise DeployError(f"{what}: {sent.cause}")
        waiting.append((what, sent.key))
        return sent

    for creation in _creations(terms or Terms()):
        arguments = [addresses[each] if isinstance(each, str) else each for each in creation.arguments]
        sent = send(f"create {creation.name}", None, encode_creation(creation.name, *arguments), _CREATION_GAS)
        addresses[creation.name] = created_address(operator, sent.nonce or 0)
    for contract, part, played_by in _wirings():
        data = encode_call(contract, "wire", part, addresses[played_by])
        send(f"wire {contract} {part}", addresses[contract], data, _CALL_GAS)
    for what, data in _grants(addresses, registrar or operator):
        send(what, addresses["ConsortiumAccess"], data, _CALL_GAS)
    settled = {what: _settle(outbox, what, key, at, len(waiting), tell) for at, (what, key) in enumerate(waiting)}
    contracts = tuple(
        Deployed(
            name, addresses[name], keccak256(client.code(addresses[name])), settled[f"create {name}"].block_number or 0
        )
        for name in (each.name for each in _creations(terms or Terms()))
    )
    return Addresses(client.chain_id(), client.block(0).hash, goods_key_hash, _ordered(contracts))


def _ordered(contracts: Iterable[Deployed]) -> tuple[Deployed, ...]:
    return tuple(sorted(contracts, key=lambda each: (each.block, each.name)))


def _settle(outbox: Outbox, what: str, key: str, at: int, total: int, tell: Callable[[int, int, str], None]) -> Sent:
    sent = outbox.wait(key)
    if sent.status is Status.REFUSED:
        raise DeployError(f"{what}: {sent.cause}")
    tell(at + 1, total, what)
    return sent


def check_in_place(client: ChainClient, addresses: Addresses) -> None:
    """Raises DeployError unless the chain is the one of the file and each address has the code of the file."""
    if client.chain_id() != addresses.chain_id or client.block(0).hash != addresses.genesis_hash:
        raise DeployError("addresses: are of another chain")
    for each in addresses.contracts:
        if keccak256(client.code(each.address)) != each.code_hash:
            raise DeployError(f"{each.name}: {address_hex(each.address)} has other code than the addresses file says")


def dump_addresses(addresses: Addresses) -> bytes:
    """The canonical text of an addresses file."""
    contracts: dict[str, JsonValue] = {
        each.name: {"address": address_hex(each.address), "codeHash": data_hex(each.code_hash), "block": each.block}
        for each in addresses.contracts
    }
    return canonical_json.dumps(
        {
            "format": FORMAT,
            "chainId": addresses.chain_id,
            "genesisHash": data_hex(addresses.genesis_hash),
            "goodsKeyHash": data_hex(addresses.goods_key_hash),
            "contracts": contracts,
        }
    )


def parse_addresses(text: bytes) -> Addresses:
    """The addresses that a file's UTF-8 `text` holds. Raises AddressesError naming the field."""
    try:
        document = canonical_json.loads(text)
        names = ("format", "chainId", "genesisHash", "goodsKeyHash", "contracts")
        top = exact_fields("addresses", document, names, AddressesError)
        if top["format"] != FORMAT:
            raise AddressesError(f"addresses.format: must be {FORMAT}")
        contracts = top["contracts"]
        if not isinstance(contracts, dict):
            raise AddressesError("addresses.contracts: must be an object")
        found = [_deployed(name, value) for name, value in contracts.items()]
        return Addresses(
            chain_id=_integer("addresses.chainId", top["chainId"]),
            genesis_hash=read_data("addresses.genesisHash", top["genesisHash"], 32),
            goods_key_hash=read_data("addresses.goodsKeyHash", top["goodsKeyHash"], 32),
            contracts=_ordered(found),
        )
    except (canonical_json.JsonError, HexError) as error:
        raise AddressesError(f"addresses file: {error}") from None


def load_addresses(path: Path) -> Addresses:
    """The addresses in the file at `path`. Raises AddressesError, also when the file cannot be read."""
    try:
        return parse_addresses(path.read_bytes())
    except OSError as error:
        raise AddressesError(f"addresses file {path}: {error.strerror}") from None


def _creations(terms: Terms) -> tuple[_Creation, ...]:
    breaker = (terms.breaker_window, terms.breaker_of_lender, terms.breaker_of_consortium)
    return (
        _Creation("ConsortiumAccess", ("operator",)),
        _Creation("ParticipantRegistry", ("ConsortiumAccess",)),
        _Creation("GoodsIndex", ("ConsortiumAccess",)),
        _Creation("ReceiptRegistry", ("ConsortiumAccess", "ParticipantRegistry")),
        _Creation("AttestationHub", ("ConsortiumAccess",)),
        _Creation("DeviceRegistry", ("ParticipantRegistry",)),
        _Creation("IssueDesk", ("ReceiptRegistry", "ParticipantRegistry", "GoodsIndex", "AttestationHub")),
        _Creation("DeliveryDesk", ("ReceiptRegistry", "ParticipantRegistry", "GoodsIndex")),
        _Creation("CreditBook", ("ConsortiumAccess", "ParticipantRegistry")),
        _Creation("PledgeRegistry", ("ReceiptRegistry", "ParticipantRegistry", "CreditBook")),
        _Creation("HoldDesk", ("ReceiptRegistry", "ParticipantRegistry")),
        _Creation("CoverBook", ("ConsortiumAccess", "ParticipantRegistry", "CreditBook")),
        _Creation("ReviewBoard", ("ConsortiumAccess", "ParticipantRegistry", "CreditBook", terms.review_period)),
        _Creation(
            "RuleEngine", ("ConsortiumAccess", "AttestationHub", "CreditBook", "ReviewBoard", "CoverBook", *breaker)
        ),
    )


def _wirings() -> tuple[tuple[str, int, str], ...]:
    """Contract, part, who plays it."""
    return (
        ("ReceiptRegistry", ReceiptActs.ISSUE, "IssueDesk"),
        ("ReceiptRegistry", ReceiptActs.PLEDGE, "PledgeRegistry"),
        ("ReceiptRegistry", ReceiptActs.RELEASE, "PledgeRegistry"),
        ("ReceiptRegistry", ReceiptActs.DELIVER, "DeliveryDesk"),
        ("ReceiptRegistry", ReceiptActs.CANCEL, "IssueDesk"),
        ("ReceiptRegistry", ReceiptActs.HOLD, "HoldDesk"),
        ("ReceiptRegistry", ReceiptActs.CLEAR_HOLD, "HoldDesk"),
        ("GoodsIndex", 1, "IssueDesk"),
        ("GoodsIndex", 2, "DeliveryDesk"),
        ("CreditBook", CreditParts.RULE_ENGINE, "RuleEngine"),
        ("CreditBook", CreditParts.REVIEW_BOARD, "ReviewBoard"),
        ("ReviewBoard", ReviewParts.RULE_ENGINE, "RuleEngine"),
        ("CoverBook", CoverParts.RULE_ENGINE, "RuleEngine"),
    )


def _grants(addresses: Mapping[str, bytes], registrar: bytes) -> tuple[tuple[str, bytes], ...]:
    """Calls of ConsortiumAccess: the registrar's role, and the functions that it opens."""
    functions = [selector("ParticipantRegistry", name) for name in _REGISTRAR_FUNCTIONS]
    target = addresses["ParticipantRegistry"]
    opening = encode_call("ConsortiumAccess", "setTargetFunctionRole", target, functions, REGISTRAR_ROLE)
    granting = encode_call("ConsortiumAccess", "grantRole", REGISTRAR_ROLE, registrar, 0)
    return (("grant the registrar's role", granting), ("open the registry to the registrar", opening))


def _deployed(name: str, value: JsonValue) -> Deployed:
    field_name = f"addresses.contracts.{name}"
    fields = exact_fields(field_name, value, ("address", "codeHash", "block"), AddressesError)
    return Deployed(
        name=name,
        address=read_address(f"{field_name}.address", fields["address"]),
        code_hash=read_data(f"{field_name}.codeHash", fields["codeHash"], 32),
        block=_integer(f"{field_name}.block", fields["block"]),
    )


def _integer(where: str, value: JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise AddressesError(f"{where}: must be a whole number")
    return value
