"""Putting a consortium on its chain: contracts, wiring, oracle set, certificates. Run again it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.founding.certificates import certify
from api.founding.operator import Operator
from api.goods_key import make_goods_key, read_goods_key
from api.settings import Settings
from ledger_node.abi import decode_result, encode_call
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, check_in_place, deploy, dump_addresses, is_wired, load_addresses
from ledger_node.files import make_folder, replace_atomically
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
    operator = open_key(settings.contracts.operator_key_file, settings.contracts.operator_signer)
    if isinstance(operator, RemoteSigner):
        operator.check()
    return Accounts(operator, tuple(_address(each) for each in settings.oracles))


def open_operator(settings: Settings, client: ChainClient, addresses: Addresses) -> Operator:
    """The operator of a founded consortium, ready to act."""
    outbox = _outbox(settings, client, open_accounts(settings).operator)
    return Operator(client, outbox, {each.name: each.address for each in addresses.contracts})


def found(settings: Settings, tell: Callable[[int, int, str], None] = lambda done, total, text: None) -> Addresses:
    """Deploy and wire the contracts, name and certify the oracles, make the goods key, write the addresses file.

    Where an addresses file is, the goods key must be there as well: it is never made anew. Raises DeployError, also for
    an addresses file of another chain, FoundingError, TlsError, AddressesError, GoodsKeyError.
    """
    accounts = open_accounts(settings)
    certify(settings.tls, settings.oracles)
    client = ChainClient(settings.ledger.rpc_urls)
    founded = _founded(settings, client, accounts)
    if founded is not None:
        return founded
    outbox = _outbox(settings, client, accounts.operator)
    try:
        addresses = deploy(client, outbox, accounts.operator.address, goods_key_hash=_goods(settings), tell=tell)
        operator = Operator(client, outbox, {each.name: each.address for each in addresses.contracts})
        operator.set_oracles(list(accounts.oracles), (len(accounts.oracles) - 1) // 3)
    finally:
        outbox.close()
    replace_atomically(settings.contracts.addresses_file, dump_addresses(addresses))
    return addresses


def _founded(settings: Settings, client: ChainClient, accounts: Accounts) -> Addresses | None:
    """The addresses when all is done already; None when something remains to be done."""
    if not settings.contracts.addresses_file.exists():
        return None
    addresses = load_addresses(settings.contracts.addresses_file)
    check_in_place(client, addresses)
    read_goods_key(settings.api.goods_key_file, addresses.goods_key_hash)
    if not is_wired(client, addresses):
        return None
    hub = addresses.address("AttestationHub")
    answer = client.call(hub, encode_call("AttestationHub", "oracles"))
    (oracles,) = decode_result("AttestationHub", "oracles", answer)
    return addresses if tuple(oracles) == accounts.oracles else None


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


def _address(oracle: OracleSection) -> bytes:
    return open_key(oracle.key_file).address if oracle.signer is None else oracle.signer.address
