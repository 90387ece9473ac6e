"""Putting a consortium on its chain, once: contracts, wiring, oracle set, certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from api.founding.certificates import certify
from api.founding.operator import FoundingError, Operator, OracleSet, read_oracles
from api.goods_key import make_goods_key, read_goods_key
from api.settings import Settings
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, check_in_place, deploy, dump_addresses, load_addresses
from ledger_node.files import make_folder, replace_atomically
from ledger_node.hexvalues import address_hex
from ledger_node.keys import LocalSigner
from ledger_node.outbox import GasPolicy, Outbox
from ledger_node.remote_signer import RemoteSigner, open_key
from ledger_node.settings import LedgerSection
from ledger_node.signing import TransactionSigner
from ledger_node.transactions import LegacyFee
from oracle.settings import OracleSection
from registry.goods import goods_key_hash


@dataclass(frozen=True, slots=True)
class Accounts:
    """What this machine needs to found and run a consortium: the operator's key, the oracles' addresses."""

    operator: TransactionSigner
    oracles: tuple[bytes, ...]


def open_accounts(settings: Settings) -> Accounts:
    """The operator's and the oracles' accounts; keys are made when they are new. Raises KeyFileError, SignerError.

    The operator's signer elsewhere must answer; an oracle's is the oracle's own matter.
    """
    return Accounts(_operator_key(settings), _oracles(settings))


def open_operator(settings: Settings, client: ChainClient, addresses: Addresses) -> Operator:
    """The operator of a founded consortium, ready to act."""
    return _operator(settings, client, addresses, _operator_key(settings))


@dataclass(frozen=True, slots=True)
class Founding:
    """A consortium that is founded: where its contracts are, and the oracles in force.

    `difference` says in what the set is not the one of the settings; it is empty when it is.
    """

    addresses: Addresses
    oracles: OracleSet
    difference: str


def found(settings: Settings, tell: Callable[[int, int, str], None] = lambda done, total, text: None) -> Founding:
    """Deploy and wire the contracts, name and certify the oracles, make the goods key, write the addresses file.

    Each is done once: one that was stopped goes on, and once the file is there nothing is sent but the first set of
    oracles, when there is none. A set that is not the one of the settings stays in force. The goods key must be there
    then as well: it is never made anew. Raises DeployError, also for an addresses file of another chain,
    FoundingError, TlsError, AddressesError, GoodsKeyError, KeyFileError, SignerError.
    """
    certify(settings.tls, [each for each in settings.oracles if each.is_here])
    client = ChainClient(settings.ledger.rpc_urls)
    file = settings.contracts.addresses_file
    operator_key = cache(lambda: _operator_key(settings))
    if file.exists():
        addresses = load_addresses(file)
        check_in_place(client, addresses)
        read_goods_key(settings.api.goods_key_file, addresses.goods_key_hash)
        members = _oracles(settings)
    else:
        members = _oracles(settings)
        addresses = _deployed(settings, client, operator_key(), tell)
    oracles = read_oracles(client, addresses.address("AttestationHub"))
    if not oracles.epoch:
        oracles = _named(_operator(settings, client, addresses, operator_key()), members)
    if not file.exists():
        replace_atomically(file, dump_addresses(addresses))
    return Founding(addresses, oracles, _difference(oracles, members))


def set_oracles(settings: Settings, client: ChainClient, addresses: Addresses) -> OracleSet:
    """Name the oracles of the settings, as many of whom may lie as a set of that size admits; the set in force then.

    Nothing is sent when they are it already. Raises FoundingError, also where an oracle has no key here, since one
    made now would be nobody's; KeyFileError, SignerError.
    """
    for each in settings.oracles:
        if each.address is None and not each.key_file.exists():
            raise FoundingError(
                f"oracles.{each.name}.key_file: {each.key_file} is missing; of an oracle that runs elsewhere, give the "
                "address as its account"
            )
    members = _oracles(settings)
    return _named(open_operator(settings, client, addresses), members)


def _named(operator: Operator, members: Sequence[bytes]) -> OracleSet:
    try:
        return operator.set_oracles(members, most_faulty(members))
    finally:
        operator.outbox.close()


def most_faulty(members: Sequence[bytes]) -> int:
    """How many of a set of oracles may lie: fewer than a third."""
    return (len(members) - 1) // 3


def _deployed(
    settings: Settings, client: ChainClient, operator: TransactionSigner, tell: Callable[[int, int, str], None]
) -> Addresses:
    outbox = _outbox(settings, client, operator)
    try:
        return deploy(client, outbox, operator.address, goods_key_hash=_goods(settings), tell=tell)
    finally:
        outbox.close()


def _difference(now: OracleSet, members: Sequence[bytes]) -> str:
    if now.is_named(members, most_faulty(members)):
        return ""
    parts = [f"set {now.epoch} of the oracles is in force and stays, though it is not the one of the settings"]
    for among, text in (
        (set(now.members) - set(members), "not in the settings"),
        (set(members) - set(now.members), "not in force"),
    ):
        parts += [f"{text}: {', '.join(sorted(map(address_hex, among)))}"] if among else []
    return "; ".join(parts) + f"; at most {now.faulty} of {len(now.members)} may lie"


def _goods(settings: Settings) -> bytes:
    """Which goods key is the consortium's: the one that is there, else a new one."""
    return goods_key_hash(make_goods_key(settings.api.goods_key_file))


def fund(outbox_file: Path, ledger: LedgerSection, funder: LocalSigner, accounts: Sequence[bytes], wei: int) -> None:
    """Give each account `wei` on a chain with fees; where gas is free nothing is sent."""
    client = ChainClient(ledger.rpc_urls)
    policy = GasPolicy.of_chain(client)
    if policy.fee == LegacyFee():
        return
    outbox = Outbox(outbox_file, client, funder, policy=policy, finality=ledger.finality)
    try:
        keys = [f"fund/{account.hex()}" for account in accounts]
        for key, account in zip(keys, accounts, strict=True):
            outbox.submit(key, account, b"", value=wei)
        for key in keys:
            outbox.wait(key)
    finally:
        outbox.close()


def _outbox(settings: Settings, client: ChainClient, operator: TransactionSigner) -> Outbox:
    path = settings.contracts.outbox_file
    make_folder(path.parent, 0o700)
    policy = GasPolicy.of_chain(client)
    return Outbox(path, client, operator, policy=policy, finality=settings.ledger.finality)


def _operator(settings: Settings, client: ChainClient, addresses: Addresses, key: TransactionSigner) -> Operator:
    outbox = _outbox(settings, client, key)
    return Operator(client, outbox, {each.name: each.address for each in addresses.contracts})


def _operator_key(settings: Settings) -> TransactionSigner:
    key = open_key(settings.contracts.operator_key_file, settings.contracts.operator_signer)
    if isinstance(key, RemoteSigner):
        key.check()
    return key


def _oracles(settings: Settings) -> tuple[bytes, ...]:
    return tuple(_address(each) for each in settings.oracles)


def _address(oracle: OracleSection) -> bytes:
    return oracle.address or open_key(oracle.key_file).address
