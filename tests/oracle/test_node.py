"""Four oracles on a served ledger with the real contracts: rounds anchored, rules executed, causes by name."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger_node.abi import encode_call
from ledger_node.bindings.structs import Facility
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, deploy
from ledger_node.embedded.launch import running_ledger
from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox, Status
from oracle.clock import SystemClock
from oracle.firings import FiringState
from oracle.formats.covenant import Covenant
from oracle.formats.rule import Action, Rule
from oracle.node import NodeChain
from oracle.ports import ChainUnavailable
from tests.oracle.consortium_kit import HandClock, Oracle
from tests.oracle.judgement_kit import DAY, MINUTE, ORACLE_KEYS, ORACLE_SIGNERS, ORACLES, Device
from tests.oracle.test_execution import HOLD, MASS_SCHEMA, MOVES_SCHEMA
from tests.oracle.test_rounds import NOW, TEXT, covenant_of


class Ground:
    """A chain with every contract, two entities, a panel and four oracles."""

    def __init__(self, url: str, directory: Path) -> None:
        self.client = ChainClient(url)
        self.operator = LocalSigner(keccak256(b"operator"))
        self.bank, self.borrower = LocalSigner(keccak256(b"bank")), LocalSigner(keccak256(b"borrower"))
        self.outbox = Outbox(directory / "operator.db", self.client, self.operator)
        self.addresses: Addresses = deploy(self.client, self.outbox, self.operator.address)
        self.directory = directory
        registry = ("ParticipantRegistry", "register")
        self.act("bank", *registry, 1, keccak256(b"bank"), self.bank.address)
        self.act("borrower", *registry, 4, keccak256(b"borrower"), self.borrower.address)
        self.act("panel", "ReviewBoard", "setPanel", 3, 1, [1])

    def act(self, key: str, contract: str, function: str, *args: object) -> None:
        self.outbox.submit(key, self.addresses.address(contract), encode_call(contract, function, *args))
        sent = self.outbox.wait(key)
        assert sent.status is Status.FINAL, sent.cause

    def set_oracles(self) -> None:
        self.act("oracles", "AttestationHub", "setOracles", list(ORACLES), 1)

    def open(self, covenant: Covenant, chain: NodeChain) -> bytes:
        """The facility of a covenant, under both parties' consents."""
        facility = covenant.facility(chain.credit_domain())
        told = Facility(
            lender=covenant.lender,
            borrower=covenant.borrower,
            panel=covenant.panel,
            rules=len(covenant.rules),
            instalments=len(covenant.schedule),
            terms_hash=covenant.terms.commitment,
            rules_root=covenant.rules_tree.root,
            schedule_root=covenant.schedule_tree.root,
            drafted_at=covenant.drafted_at,
        )
        signatures = self.bank.sign_digest(facility) + self.borrower.sign_digest(facility)
        self.act(f"facility {facility.hex()}", "CreditBook", "openFacility", told, signatures)
        return facility

    def chain(self, place: int) -> NodeChain:
        signer = LocalSigner(ORACLE_KEYS[place])
        outbox = Outbox(self.directory / f"outbox-{place}.db", self.client, signer)
        return NodeChain(self.client, self.addresses, outbox, SystemClock())


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with running_ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        yield Ground(ledger.http, tmp_path_factory.mktemp("outboxes"))


def test_before_the_first_oracle_set_nothing_is_decided(ground: Ground) -> None:
    chain = ground.chain(0)
    with pytest.raises(ChainUnavailable, match="no oracle set"):
        chain.config()
    chain._outbox.close()


def test_rounds_are_anchored_and_a_rule_is_executed_once(ground: Ground, tmp_path: Path) -> None:
    ground.set_oracles()
    chains = [ground.chain(place) for place in range(4)]
    closed = Rule(
        1, Action.REVIEW, 0, False, MINUTE, TEXT.commitment, b"1" * 32, (replace(HOLD.conditions[1], count=1),)
    )
    covenant = covenant_of(MASS_SCHEMA, MOVES_SCHEMA, rules=(HOLD, replace(closed, action=Action.LIMIT)))
    facility = ground.open(covenant, chains[0])
    roots = chains[0].facility(facility)
    assert roots is not None
    assert (roots.open, roots.rules) == (True, covenant.rules_tree.root)
    assert chains[0].facility(b"x" * 32) is None
    assert chains[0].cover_of(facility) is None
    assert (chains[0].entity_of(ground.bank.address), chains[0].entity_of(b"y" * 20)) == (1, None)

    clock = HandClock(NOW)
    oracles = [Oracle(signer, tmp_path, chain, clock, {}) for signer, chain in zip(ORACLE_SIGNERS, chains, strict=True)]
    scale, gate, terminal = Device(1), Device(2), Device(3)
    for minute, weight in enumerate((24_560, 16_380, 16_380)):
        scale.says([(DAY + minute * MINUTE + at * 10_000, 1, weight) for at in range(6)])
    gate.says([(DAY + MINUTE + 20_000, 3, "")])
    for device in (scale, gate, terminal):
        device.lives(DAY + 3 * MINUTE)
    for oracle in oracles:
        oracle.others = [each for each in oracles if each is not oracle]
        oracle.reopen()
        oracle.add_covenant(covenant)
        for device in (scale, gate, terminal):
            oracle.hears(device.stream)
    for _ in range(200):
        for oracle, chain in zip(oracles, chains, strict=True):
            oracle.step()
            chain.look()
        clock.time_ms += 100
        records = [oracle.firings.of(facility, covenant) for oracle in oracles]
        if all(len(each) >= 3 and all(one.state is not FiringState.PENDING for one in each) for each in records):
            break
    for kept in records:
        states = [(each.firing.rule.index, each.state, each.cause.split("(")[0]) for each in kept]
        assert (0, FiringState.ACTED, "") in states
        assert (1, FiringState.REFUSED, "ActionUnsupported") in states
    assert chains[0].last_slot(facility, 0) == DAY + 2 * MINUTE
    page = chains[0].anchored_since(0)
    assert sorted(each.slot for each in page.rounds) == [
        DAY,
        DAY + MINUTE,
        DAY + MINUTE + 20_000,
        DAY + 2 * MINUTE,
    ]
    assert chains[0].anchored_since(page.next_block).rounds == ()


def test_only_blocks_of_the_chain_are_final(ground: Ground) -> None:
    chain = NodeChain(ground.client, ground.addresses, ground.outbox, SystemClock())
    assert chain.is_final(chain.latest())
    assert not chain.is_final(b"z" * 32)
    assert chain.roots(7) is None


def test_a_chain_ahead_of_its_finality_is_not_believed(ground: Ground) -> None:
    waiting = NodeChain(ground.client, ground.addresses, ground.outbox, SystemClock(), finality=2)
    assert not waiting.is_final(ground.client.block().hash)
    assert waiting.is_final(waiting.latest())


def test_a_node_that_does_not_answer_decides_nothing(ground: Ground) -> None:
    chain = NodeChain(ChainClient("http://127.0.0.1:9"), ground.addresses, ground.outbox, SystemClock())
    for ask in (chain.config, chain.latest, lambda: chain.facility(b"x" * 32), lambda: chain.anchored_since(0)):
        with pytest.raises(ChainUnavailable):
            ask()
