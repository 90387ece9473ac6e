"""A consortium on an embedded ledger in this process: contracts in place, members registered, acts they agree to."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from web3.types import RPCEndpoint

from ledger_node.abi import decode_revert, encode_call
from ledger_node.batches import Call
from ledger_node.chain_values import Receipt
from ledger_node.client import ChainClient, RpcError
from ledger_node.deploy import deploy
from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.files import open_files
from ledger_node.embedded.launch import LedgerProcess, start
from ledger_node.embedded.provider import EmbeddedProvider
from ledger_node.embedded.sealer import DEFAULT_PACE
from ledger_node.genesis import Prefund
from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox
from ledger_node.transactions import Transaction
from registry import structs
from registry.acts import Contract
from registry.consents import Consent, digest
from registry.deployment import deployment_of
from registry.transitions import Deployment

BANK, KEEPER, INSURER, DEPOSITOR, INSPECTOR, REGULATOR = range(1, 7)
PANEL = 1
GAS = 2_000_000
ZERO = bytes(32)
RICH = 10**18


class BenchmarkError(RuntimeError):
    """A benchmark's work was refused or did not end as it must, so there is nothing to measure."""


def signer_of(name: str) -> LocalSigner:
    """The key of that name, the same in every run: benchmarks do the same work each time."""
    return LocalSigner(keccak256(b"cangdan benchmark " + name.encode()))


def members(*entities: int) -> list[LocalSigner]:
    """The keys of entities."""
    return [signer_of(f"entity {entity}") for entity in entities]


class LocalClient(ChainClient):
    """A client of a chain in this process; a block is sealed after each transaction."""

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__("http://127.0.0.1")
        self._local = EmbeddedProvider(chain)

    def request(self, method: str, *params: object) -> object:
        """The result of one request, through the dispatcher that HTTP uses. Raises RpcError."""
        answer = self._local.make_request(RPCEndpoint(method), list(params))
        if "error" in answer:
            error = answer["error"]
            raise RpcError(0, error if isinstance(error, str) else error["message"])
        return answer["result"]

    def request_all(self, calls: Sequence[Call]) -> list[object]:
        """The results of several requests, one after the other; an RpcError in place of a result."""
        return [self._tried(call) for call in calls]

    def _tried(self, call: Call) -> object:
        try:
            return self.request(call.method, *call.params)
        except RpcError as error:
            return error


@dataclass(slots=True)
class Consortium:
    """The chain with all contracts; entities 1 to 6 are BANK to REGULATOR, four oracles attest."""

    chain: EmbeddedChain
    client: LocalClient
    deployment: Deployment
    oracles: tuple[LocalSigner, ...]
    _nonces: dict[bytes, int] = field(default_factory=dict)

    def send(self, sender: LocalSigner, contract: Contract, function: str, *args: object) -> Receipt:
        """The receipt of an act, mined in a block of its own. Raises BenchmarkError when it is refused."""
        return self.send_data(sender, contract, encode_call(contract.value, function, *args))

    def send_data(self, sender: LocalSigner, contract: Contract, data: bytes) -> Receipt:
        """As `send`, of a call that is encoded already."""
        hash_ = self.client.send_raw(sender.sign_transaction(self.transaction(sender, contract, data)))
        self._nonces[sender.address] += 1
        receipt = self.client.receipt(hash_)
        if receipt is None or not receipt.succeeded:
            raise BenchmarkError(f"{contract}: {decode_revert(self.client.revert_data(hash_) or b'')}")
        return receipt

    def transaction(self, sender: LocalSigner, contract: Contract, data: bytes) -> Transaction:
        """The sender's next transaction."""
        nonce = self._nonces.setdefault(sender.address, self.client.nonce(sender.address))
        return Transaction(self.deployment.chain_id, nonce, self.deployment.addresses[contract], data, GAS)

    def sign(self, consent: Consent, *entities: int) -> bytes:
        """The signatures of entities under a consent, one after the other."""
        what = digest(consent, self.deployment)
        return b"".join(signer.sign_digest(what) for signer in members(*entities))

    def issue(self, number: int, unit_keys: Sequence[bytes] = ()) -> structs.Issue:
        """What depositor and keeper consent to for receipt `number`."""
        text = b"%d" % number
        unit_keys_hash = keccak256(b"".join(unit_keys))
        content, place = keccak256(b"content " + text), keccak256(b"place " + text)
        return structs.Issue(content, DEPOSITOR, KEEPER, 1, 0, 24_560, place, unit_keys_hash, ZERO, drafted_at())

    def issue_data(self, number: int, unit_keys: Sequence[bytes] = ()) -> bytes:
        """The call that issues receipt `number`, with both consents."""
        consent = self.issue(number, unit_keys)
        return encode_call("IssueDesk", "issue", consent, list(unit_keys), [], self.sign(consent, DEPOSITOR, KEEPER))


def found(directory: Path, funded: Sequence[bytes] = ()) -> Consortium:
    """A consortium on a new ledger in `directory`; accounts of `funded` have 1 ether. Close its chain at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    genesis, sealer = open_files(directory, alloc=tuple(Prefund(each, RICH) for each in funded))
    chain = EmbeddedChain(directory, genesis, sealer)
    client = LocalClient(chain)
    operator = signer_of("operator")
    outbox = Outbox(directory / "operator.sqlite", client, operator)
    try:
        addresses = deploy(client, outbox, operator.address, goods_key_hash=bytes(32))
    finally:
        outbox.close()
    oracles = tuple(sorted((signer_of(f"oracle {at}") for at in range(4)), key=lambda each: each.address))
    made = Consortium(chain, client, deployment_of(addresses), oracles)
    for entity, account in enumerate(members(*range(BANK, REGULATOR + 1)), start=BANK):
        made.send(operator, Contract.PARTICIPANTS, "register", entity, keccak256(b"id %d" % entity), account.address)
    made.send(operator, Contract.HUB, "setOracles", [each.address for each in oracles], 1)
    made.send(operator, Contract.REVIEWS, "setPanel", PANEL, 2, [BANK, REGULATOR])
    return made


@contextmanager
def serving(directory: Path) -> Iterator[LedgerProcess]:
    """The ledger in `directory` as a process of its own, at the pace at which members run it."""
    ledger = start(directory, pace=DEFAULT_PACE)
    try:
        yield ledger
    finally:
        ledger.stop()


def drafted_at() -> int:
    """Milliseconds since 1970, a little ago: no later than the block to come, whose clock goes in whole seconds."""
    return (int(time.time()) - 2) * 1000
