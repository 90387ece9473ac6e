"""Four oracles on a served ledger with the real contracts: rounds anchored, rules executed, causes by name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from ledger_node.abi import RevertCause, encode_call
from ledger_node.bindings.structs import Cover, Facility, Fleet
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, deploy
from ledger_node.eip712 import Domain, digest
from ledger_node.embedded.launch import running_ledger
from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox, Sent, Status
from oracle.chain import Refusal
from oracle.clock import Clock, SystemClock
from oracle.figures import Figures
from oracle.firings import FiringState
from oracle.formats.covenant import Covenant
from oracle.formats.rule import Action, Rule
from oracle.formats.segment import SignedSegment
from oracle.node import NodeChain
from oracle.ports import ChainUnavailable, FleetRoots, FleetSize
from tests.oracle.consortium_kit import HandClock, Oracle
from tests.oracle.judgement_kit import DAY, MINUTE, ORACLE_KEYS, ORACLE_SIGNERS, ORACLES, Device, schema
from tests.oracle.test_execution import HOLD, MASS_SCHEMA, MOVES_SCHEMA
from tests.oracle.test_rounds import NOW, TEXT, covenant_of, scale


class Ground:
    """A chain with every contract, two entities, a panel and four oracles."""

    def __init__(self, url: str, directory: Path) -> None:
        self.client = ChainClient(url)
        self.operator = LocalSigner(keccak256(b"operator"))
        self.bank, self.borrower = LocalSigner(keccak256(b"bank")), LocalSigner(keccak256(b"borrower"))
        self.outbox = Outbox(directory / "operator.db", self.client, self.operator)
        self.addresses: Addresses = deploy(self.client, self.outbox, self.operator.address, goods_key_hash=bytes(32))
        self.directory = directory
        self.outboxes: dict[bytes, list[Outbox]] = {}
        registry = ("ParticipantRegistry", "register")
        self.act("bank", *registry, 1, keccak256(b"bank"), self.bank.address)
        self.act("borrower", *registry, 4, keccak256(b"borrower"), self.borrower.address)
        self.insurer = LocalSigner(keccak256(b"insurer"))
        self.act("insurer", *registry, 3, keccak256(b"insurer"), self.insurer.address)
        self.act("panel", "ReviewBoard", "setPanel", 3, 1, [1])

    def act(self, key: str, contract: str, function: str, *args: object) -> None:
        self.outbox.submit(key, self.addresses.address(contract), encode_call(contract, function, *args))
        sent = self.outbox.wait(key)
        assert sent.status is Status.FINAL, sent.cause

    def set_oracles(self, key: str, oracles: Sequence[bytes]) -> None:
        self.act(key, "AttestationHub", "setOracles", list(oracles), 1)

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

    def cover(self, facility: bytes, rules: int, start: int, end: int) -> bytes:
        """A cover of rules of a facility, under the consents of insurer, lender and borrower."""
        told = Cover(3, 1, facility, rules, b"t" * 32, start, end, NOW)
        domain = Domain("Cangdan", "1", self.addresses.chain_id, self.addresses.address("CoverBook"))
        id_ = digest(domain, Cover.TYPE, told.message())
        signatures = b"".join(each.sign_digest(id_) for each in (self.insurer, self.bank, self.borrower))
        self.act(f"cover {id_.hex()}", "CoverBook", "register", told, signatures)
        return id_

    def chain(self, key: bytes, clock: Clock) -> NodeChain:
        signer = LocalSigner(key)
        path = self.directory / f"outbox-{signer.address.hex()}.db"
        outboxes = self.outboxes.setdefault(key, [])
        if not outboxes:
            outboxes.append(Outbox(path, self.client, signer))
        return NodeChain(self.client, self.addresses, outboxes[0], clock)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with running_ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        yield Ground(ledger.http, tmp_path_factory.mktemp("outboxes"))


def test_before_the_first_oracle_set_nothing_is_decided(ground: Ground) -> None:
    chain = ground.chain(ORACLE_KEYS[0], SystemClock())
    with pytest.raises(ChainUnavailable, match="no oracle set"):
        chain.config()


@pytest.mark.parametrize("is_final", [False, True])
def test_an_execution_was_refused_once_that_is_final(ground: Ground, tmp_path: Path, is_final: bool) -> None:
    cause = RevertCause("RuleSpent", ())
    outbox = Outbox(tmp_path / "outbox.db", ground.client, LocalSigner.generate())
    outbox.find = lambda key: Sent(key, Status.REFUSED, b"", 0, 1, None, 1, cause, settled=is_final)
    chain = NodeChain(ground.client, ground.addresses, outbox, SystemClock())
    assert chain.outcome("act") == (Refusal(cause.name, str(cause)) if is_final else False)
    outbox.close()


def test_rounds_are_anchored_and_a_rule_is_executed_once(ground: Ground, tmp_path: Path) -> None:
    ground.set_oracles("oracles", ORACLES)
    clock = HandClock(NOW)
    chains = [ground.chain(key, clock) for key in ORACLE_KEYS]
    closed = Rule(
        1, Action.REVIEW, 0, False, MINUTE, TEXT.commitment, b"1" * 32, (replace(HOLD.conditions[1], count=1),)
    )
    covenant = covenant_of(MASS_SCHEMA, MOVES_SCHEMA, rules=(HOLD, replace(closed, action=Action.LIMIT)))
    facility = ground.open(covenant, chains[0])
    roots = chains[0].facility(facility)
    assert roots is not None
    assert (roots.open, roots.rules) == (True, covenant.rules_tree.root)
    assert chains[0].facility(b"x" * 32) is None
    assert chains[0].cover_of(facility, 0, DAY) is None
    assert (chains[0].entity_of(ground.bank.address), chains[0].entity_of(b"y" * 20)) == (1, None)

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


def test_the_cover_of_a_rule_is_the_one_whose_period_holds_the_slot(ground: Ground) -> None:
    chain = ground.chain(ORACLE_KEYS[0], SystemClock())
    facility = ground.open(covenant_of(MASS_SCHEMA, MOVES_SCHEMA, rules=(HOLD, replace(HOLD, index=1))), chain)
    assert chain.cover_of(facility, 0, DAY) is None
    this_year, next_year = ground.cover(facility, 1, DAY, 2 * DAY), ground.cover(facility, 1, 3 * DAY, 4 * DAY)
    other = ground.cover(facility, 2, DAY, 2 * DAY)
    assert [chain.cover_of(facility, 0, at) for at in (DAY, 2 * DAY - 1, 3 * DAY)] == [this_year, this_year, next_year]
    assert chain.cover_of(facility, 1, DAY) == other
    assert chain.cover_of(b"x" * 32, 0, DAY) is None
    for slot in (DAY - 1, 2 * DAY):
        assert isinstance(gap := chain.cover_of(facility, 0, slot), Refusal)
        assert gap.name == "CoverNotInForce"
    assert chain.cover_of(facility, 0, 4 * DAY) is None
    later = ground.cover(facility, 3, 4 * DAY, 5 * DAY)
    assert (chain.cover_of(facility, 0, 4 * DAY), chain.cover_of(facility, 1, 4 * DAY)) == (later, later)


def test_covers_are_followed_block_by_block_and_never_twice(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = ground.chain(ORACLE_KEYS[0], SystemClock())
    facility = ground.open(covenant_of(MASS_SCHEMA, MOVES_SCHEMA, rules=(replace(HOLD, salt=b"f" * 32),)), chain)
    asked: list[tuple[int, int]] = []
    logs = ground.client.logs

    def told(first: int, last: int, *rest: object) -> object:
        asked.append((first, last))
        return logs(first, last, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ground.client, "logs", told)
    monkeypatch.setattr("oracle.node.LOG_BLOCKS", 7)
    expected = ground.cover(facility, 1, DAY, 2 * DAY)
    head = ground.client.block_number()
    calls = 0
    while chain.cover_of(facility, 0, DAY) is None:
        calls += 1
    assert chain.cover_of(facility, 0, DAY) == expected
    assert len(asked) == calls + 1 > 1
    assert asked[-1][1] <= head
    assert all(one[1] + 1 == two[0] and one[1] - one[0] == 6 for one, two in pairwise(asked))


def test_four_other_oracles_anchor_what_the_set_before_left_open(ground: Ground, tmp_path: Path) -> None:
    ground.set_oracles("the set before", ORACLES)
    clock, keys = HandClock(NOW), [*ORACLE_KEYS, *(bytes([number]) * 32 for number in range(11, 15))]
    made = schema(name="of two sets")
    covenant = covenant_of(made)
    facility = ground.open(covenant, ground.chain(keys[0], clock))
    oracles = [Oracle(LocalSigner(key), tmp_path, ground.chain(key, clock), clock, {}) for key in keys]
    stream = scale(4).stream
    for oracle in oracles:
        oracle.others = [each for each in oracles if each is not oracle]
        oracle.reopen()
        oracle.add_covenant(covenant)
        oracle.silent = oracle.address not in ORACLES
    run = Run(oracles, clock)
    run.hears(stream[:3], lambda: len(rounds_of(oracles[0], made.id)) == 2)
    oracles[2].silent = oracles[3].silent = True
    run.hears(stream[3:], lambda: len(oracles[0].store.open_slots(10)) == 2)
    for oracle in oracles[4:]:
        oracle.silent = False
    ground.set_oracles("the set after", [each.address for each in oracles[4:]])
    every = {DAY: 1, DAY + MINUTE: 1, DAY + 2 * MINUTE: 2, DAY + 3 * MINUTE: 2}
    first = oracles[0].chain.config().epoch - 1
    run.hears((), lambda: all(len(rounds_of(oracle, made.id)) == 4 for oracle in (oracles[0], *oracles[4:])))
    for oracle in (oracles[0], *oracles[4:]):
        assert rounds_of(oracle, made.id) == {slot: first + number for slot, number in every.items()}
        figures = Figures(oracle.database, oracle.log, oracle.store, oracle.anchored, oracle.firings, oracle.clock)
        told = [figures.round(made.id, slot) for slot in every]
        assert [each["setEpoch"] for each in told] == [first + number for number in every.values()]
    assert facility in oracles[7].execution.covenants


def test_a_fleets_size_is_what_its_entity_set(ground: Ground) -> None:
    chain = ground.chain(ORACLE_KEYS[0], SystemClock())
    assert (chain.fleet_size(1), chain.roots(1)) == (None, None)
    fleet = Fleet(1, 1, 2, 1, b"f" * 32, b"r" * 32, NOW)
    domain = Domain("Cangdan", "1", ground.addresses.chain_id, ground.addresses.address("DeviceRegistry"))
    consent = ground.bank.sign_digest(digest(domain, Fleet.TYPE, fleet.message()))
    ground.act("fleet", "DeviceRegistry", "setFleet", fleet, consent)
    assert (chain.fleet_size(1), chain.roots(1)) == (FleetSize(2, 1), FleetRoots(b"f" * 32, b"r" * 32))


class Run:
    """Oracles that are stepped in turn on a real chain, a hundred milliseconds apart on their clock."""

    def __init__(self, oracles: Sequence[Oracle], clock: HandClock) -> None:
        self.oracles, self.clock = oracles, clock

    def hears(self, segments: Sequence[SignedSegment], until: Callable[[], bool]) -> None:
        for oracle in self.oracles:
            oracle.hears(segments)
        for _ in range(200):
            for oracle in self.oracles:
                oracle.step()
                assert isinstance(oracle.chain, NodeChain)
                oracle.chain.look()
            self.clock.time_ms += 100
            if until():
                return
        raise AssertionError("the oracles did not get there")


def rounds_of(oracle: Oracle, made: bytes) -> dict[int, int]:
    """The set of each anchored round whose reports an oracle has, by slot."""
    found = oracle.anchored.from_slot(made, 0, 100)
    return {each.slot: each.config.epoch for each in found if each.proposal is not None}


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
