"""The whole consortium on eth-tester: contracts put in place as for members, parties, and questions without a trace."""

import os
from pathlib import Path
from typing import Any

from eth_tester import EthereumTester
from eth_tester.exceptions import TransactionFailed
from hypothesis import HealthCheck, Phase, settings

from ledger_node.abi import RevertCause, decode_log, decode_revert, encode_call
from ledger_node.bindings.events import Transition
from ledger_node.bindings.structs import Issue, Round
from ledger_node.deploy import Terms, deploy
from ledger_node.eip712 import Domain, digest
from ledger_node.embedded.provider import EmbeddedProvider
from ledger_node.embedded.tester import EmbeddedBackend
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.keys import LocalSigner
from ledger_node.merkle import PaddedTree
from ledger_node.outbox import Outbox
from ledger_node.secp256k1 import address_of, sign_digest
from ledger_node.transactions import Transaction, signed, signing_digest
from oracle.formats.observation import Observation
from oracle.formats.report import Config, config_digest
from oracle.formats.rule import Firing
from tests.registry.consortium import CHAIN_ID, GAS, Consortium, LocalClient, RefusedError, key_of

UNLIMITED = Terms(breaker_of_lender=1_000_000, breaker_of_consortium=1_000_000)
START = 1_790_000_000
EXAMPLES = settings(
    max_examples=150 if os.environ.get("CANGDAN_DEEP") else 40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow],
)
"""For properties whose every example takes blocks of their own."""
Evidence = tuple[tuple[Observation, ...], ...]


class Deployed(Consortium):
    """Sends through eth-tester, a block each, a second apart."""

    def __post_init__(self) -> None:
        self.backend = EmbeddedBackend(self.folder, chain_id=CHAIN_ID, start=START)
        self.chain = self.backend.chain
        self.tester = EthereumTester(self.backend)
        self.client = LocalClient(EmbeddedProvider(self.chain))
        self.issued: dict[bytes, Issue] = {}

    def __repr__(self) -> str:
        return f"Deployed at block {self.chain.head.number}"

    @classmethod
    def make(cls, folder: Path) -> "Deployed":
        made = cls(folder)
        operator = LocalSigner(key_of("operator"))
        outbox = Outbox(folder / "outbox.sqlite", made.client, operator)
        addresses = deploy(made.client, outbox, operator.address, goods_key_hash=bytes(32), terms=UNLIMITED)
        outbox.close()
        made.addresses = {each.name: each.address for each in addresses.contracts}
        made.populate()
        return made

    @property
    def now_ms(self) -> int:
        return self.backend.time * 1000

    @property
    def config(self) -> Config:
        """The four oracles of `populate`."""
        hub = self.addresses["AttestationHub"]
        oracles = tuple(address_of(key) for key in self.oracle_keys)
        return Config(Domain("Cangdan", "1", CHAIN_ID, hub), config_digest(CHAIN_ID, hub, 1, 1, oracles), oracles, 1, 1)

    def issue(self, *args: Any, **named: Any) -> bytes:
        """As a consortium issues; what was consented to is kept."""
        receipt = super().issue(*args, **named)
        head = self.client.block_number()
        (log,) = self.client.logs(head, head, topics=[Transition.TOPIC, receipt])
        told = decode_log(log.address, log.topics, log.data)
        assert isinstance(told, Transition)
        self.issued[receipt] = Issue.decode(told.data)
        return receipt

    def send(self, who: str, to: bytes | None, data: bytes, *, check: bool = True) -> bytes:
        key = key_of(who)
        transaction = Transaction(CHAIN_ID, self.client.nonce(address_of(key)), to, data, GAS)
        raw = signed(transaction, sign_digest(key, signing_digest(transaction)))
        hash_ = bytes.fromhex(self.tester.send_raw_transaction(data_hex(raw))[2:])
        receipt = self.client.receipt(hash_)
        assert receipt is not None
        if check and not receipt.succeeded:
            raise RefusedError(str(decode_revert(self.client.revert_data(hash_) or b"")))
        return hash_

    def ask(self, contract: str, function: str, *args: object) -> bytes | RevertCause:
        """What an act would return now, or why it would be refused; nothing is changed."""
        call = {
            "from": address_hex(address_of(key_of("operator"))),
            "to": address_hex(self.addresses[contract]),
            "data": data_hex(encode_call(contract, function, *args)),
        }
        try:
            return bytes.fromhex(self.tester.call(call)[2:])
        except TransactionFailed as error:
            return decode_revert(error.args[1])

    def anchor(self, schema: bytes, slot: int, leaves: list[bytes]) -> PaddedTree:
        """Anchors a round of these leaves; its tree."""
        tree = PaddedTree(leaves)
        told = Round(self.config.digest, schema, slot, tree.root, len(leaves))
        what = digest(self.config.domain, Round.TYPE, told.message())
        signatures = b"".join(sign_digest(key, what) for key in self.oracle_keys[:2])
        self.act("operator", "AttestationHub", "anchor", schema, slot, tree.root, len(leaves), 0b11, signatures)
        return tree

    def execution(
        self,
        facility: bytes,
        firing: Firing,
        rule_proof: list[bytes],
        proofs: dict[Observation, tuple[int, list[bytes]]],
        data: bytes = b"",
    ) -> tuple[object, ...]:
        """The arguments of RuleEngine.execute; `proofs` are index and siblings of each observation."""
        evidence = [[(each.abi(), *proofs[each]) for each in run] for run in firing.evidence]
        return (facility, firing.rule.abi(), rule_proof, evidence, data)
