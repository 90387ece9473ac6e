"""The chain that the tests of the interface run on: a real embedded ledger, its parties, rounds and rules that fire."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ledger_node.abi import encode_call
from ledger_node.bindings.structs import Round
from ledger_node.eip712 import Domain, digest
from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.provider import EmbeddedProvider
from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.merkle import PaddedTree
from ledger_node.secp256k1 import sign_digest
from ledger_node.trust import Engine, PinnedBlock, Trust, TrustedContract
from oracle.formats.observation import Observation
from oracle.formats.rule import Condition, Rule, rules_tree
from oracle.formats.segment import Quality
from tests.registry.consortium import (
    BANK,
    CHAIN_ID,
    INSPECTOR,
    INSURER,
    KEEPER,
    OTHER_BANK,
    OTHER_KEEPER,
    REGULATOR,
    Consortium,
    LocalClient,
    key_of,
)
from tests.registry.consortium import DEPOSITOR as OWNER

PANEL = 2
ENTITIES = (BANK, KEEPER, INSURER, OWNER, INSPECTOR, REGULATOR, OTHER_BANK, OTHER_KEEPER)
__all__ = ["BANK", "ENTITIES", "INSPECTOR", "INSURER", "KEEPER", "OTHER_BANK", "OTHER_KEEPER", "OWNER", "REGULATOR"]


@cache
def signer(entity: int) -> LocalSigner:
    """The account of an entity."""
    return LocalSigner(key_of(f"entity {entity}"))


def observed(condition: Condition, slot: int, value: int) -> Observation:
    """An observation of what a condition asks for."""
    place = (condition.schema, slot, condition.subject, condition.metric)
    return Observation(*place, value, Quality.PASS, 6, b"\x01" * 32, b"\x02" * 32)


@dataclass
class Chain:
    """The embedded ledger in a folder, at a moment of a clock that the test moves."""

    consortium: Consortium

    @classmethod
    def found(cls, folder: Path) -> "Chain":
        made = Consortium(folder / "chain").deploy().populate()
        made.act("operator", "ReviewBoard", "setPanel", PANEL, 2, [BANK, KEEPER, INSURER])
        return cls(made)

    def copied(self, folder: Path) -> "Chain":
        """The same chain as its files lie in another folder, to go on by itself."""
        copy = object.__new__(Consortium)
        copy.__dict__.update(self.consortium.__dict__)
        copy.folder = folder / "chain"
        before = self.consortium.chain
        copy.chain = EmbeddedChain(copy.folder, before.genesis, before._signer, clock=lambda: copy.clock)
        copy.provider = EmbeddedProvider(copy.chain)
        copy.client = LocalClient(copy.provider)
        copy._nonces = dict(self.consortium._nonces)
        return Chain(copy)

    def trust(self, _: PinnedBlock | None = None) -> Trust:
        """What somebody believes who knows the genesis file: its sealer, and the contracts' code."""
        made = self.consortium
        contracts = tuple(
            TrustedContract(name, address, keccak256(made.client.code(address)))
            for name, address in sorted(made.addresses.items())
        )
        genesis, sealer = made.client.block(0).hash, made.chain.genesis.sealer
        return Trust(Engine.EMBEDDED, CHAIN_ID, genesis, sealer, contracts=contracts)

    def anchor(self, observations: Sequence[Observation]) -> PaddedTree:
        """Anchor one round, signed by two of the four oracles; its tree."""
        made, first = self.consortium, observations[0]
        tree = PaddedTree([each.leaf() for each in observations])
        hub = made.addresses["AttestationHub"]
        config = made.client.call(hub, encode_call("AttestationHub", "configDigest"))
        round_ = Round(config, first.schema, first.slot, tree.root, len(observations))
        what = digest(Domain("Cangdan", "1", CHAIN_ID, hub), Round.TYPE, round_.message())
        signatures = b"".join(sign_digest(key, what) for key in made.oracle_keys[:2])
        place = (first.schema, first.slot, tree.root, len(observations))
        made.act("operator", "AttestationHub", "anchor", *place, 3, signatures)
        return tree

    def fire(
        self, facility: bytes, rules: list[Rule], at: int, runs: list[list[Observation]], data: bytes = b""
    ) -> None:
        """Anchor each observation in a round of its own and execute a rule on them."""
        evidence = [[(each.abi(), 0, self.anchor([each]).proof(0)) for each in run] for run in runs]
        proof = rules_tree(rules).proof(at)
        self.consortium.act("operator", "RuleEngine", "execute", facility, rules[at].abi(), proof, evidence, data)


def copy_folder(source: Path, target: Path) -> None:
    """A copy of what lies in a folder whose files nobody has open."""
    shutil.copytree(source, target, dirs_exist_ok=True)
