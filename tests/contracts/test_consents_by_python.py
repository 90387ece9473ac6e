"""Digests, ids and heads: what the contracts compute and what Python computes are the same, for any values.

The contracts tell their digests in what they refuse: `PledgeUnknown`, `IssueDiffers` and the like carry the digest
itself; elsewhere a stranger signs Python's digest, and `NotConsented` names that stranger exactly when the contract
recovered the signer from the same digest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import eip712
from ledger_node.abi import RevertCause, decode_log, decode_result, encode_call
from ledger_node.bindings import structs
from ledger_node.bindings.events import Transition
from ledger_node.hashing import keccak256
from ledger_node.secp256k1 import address_of, sign_digest
from oracle.formats.observation import Observation
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Firing, Rule, rules_tree
from oracle.formats.segment import Quality
from registry.consents import FOR, Consent, digest
from registry.heads import EMPTY_HEAD, event_digest, next_head
from tests.contracts.deployed import EXAMPLES, START, Deployed
from tests.registry.consortium import BANK, DEPOSITOR, KEEPER, OTHER_BANK, PANEL, ZERO, key_of

STRANGER = key_of("stranger")
MASS = Condition(
    keccak256(b"schema"), keccak256(b"bay"), keccak256(b"mass"), 0, EvidenceKind.MASS, Comparator.ABOVE, 1, False,
    frozenset({Quality.PASS}), 0,
)  # fmt: skip
ROUND = START * 1000 + 1
word32 = st.binary(min_size=32, max_size=32)
root = word32.filter(any)
past = st.integers(0, START * 1000)
entity = st.integers(1, 12)


def uint(bits: int, least: int = 0) -> st.SearchStrategy[int]:
    return st.integers(least, (1 << bits) - 1)


@dataclass
class Stage:
    """A consortium with one of each thing that a consent can be about."""

    deployed: Deployed
    receipt: bytes = ZERO

    pledge: bytes = ZERO
    facility: bytes = ZERO
    cover: bytes = ZERO
    review_seq: int = 0

    def __post_init__(self) -> None:
        made = self.deployed
        self.receipt = made.issue()
        pledged = made.issue()
        self.pledge = made.pledge(pledged)
        covered = [self._rule(0, Action.OPEN_CLAIM), self._rule(1, Action.REVIEW)]
        tree = rules_tree(covered)
        self.facility = made.facility(tree.root, 2, keccak256(b"schedule"), 64)
        self.cover = made.cover(self.facility, 1)
        seen = Observation(MASS.schema, ROUND, MASS.subject, MASS.metric, 1, Quality.PASS, 1, ZERO, ZERO)
        proofs = {seen: (0, made.anchor(MASS.schema, ROUND, [seen.leaf()]).proof(0))}
        for rule, data in zip(covered, (encode(["bytes32"], [self.cover]), b""), strict=True):
            firing = Firing(rule, ((seen,),))
            args = made.execution(self.facility, firing, tree.proof(rule.index), proofs, data)
            made.act("operator", "RuleEngine", "execute", *args)
        self.review_seq = made.word("CreditBook", self.facility) >> 128 & 0xFFFFFFFF

    @property
    def review(self) -> bytes:
        return keccak256(self.facility + self.review_seq.to_bytes(32, "big"))

    def _rule(self, index: int, action: Action) -> Rule:
        return Rule(index, action, 0, True, 0, ZERO, ZERO, (MASS,))


@pytest.fixture(scope="module")
def stage(deployed: Deployed) -> Stage:
    return Stage(deployed)


def signed_by_stranger(stage: Stage, consent: Consent, parties: int = 1) -> bytes:
    return sign_digest(STRANGER, digest(consent, stage.deployed.deployment)) * parties


def names_the_stranger(answer: object) -> bool:
    assert isinstance(answer, RevertCause)
    assert answer.name == "NotConsented"
    return dict(answer.args)["signer"] == address_of(STRANGER)


@dataclass(frozen=True)
class Signed:
    """A consent whose act checks the signers: how to draw one, and how to ask for the act."""

    draw: Callable[[Stage], st.SearchStrategy[Consent]]
    parties: int
    ask: Callable[[Stage, Consent, bytes], object]


def asks(contract: str, function: str) -> Callable[[Stage, Consent, bytes], object]:
    return lambda stage, consent, signatures: stage.deployed.ask(contract, function, consent, signatures)


SIGNED: dict[type[Consent], Signed] = {
    structs.Issue: Signed(
        lambda stage: st.builds(
            structs.Issue, word32, entity, entity, uint(16), uint(16), uint(64, 1), word32,
            st.just(keccak256(b"")), st.just(ZERO), past,
        ),
        2,
        lambda stage, consent, signatures: stage.deployed.ask("IssueDesk", "issue", consent, [], [], signatures),
    ),
    structs.Pledge: Signed(
        lambda stage: st.builds(
            structs.Pledge, st.just(stage.receipt), st.just(1), st.just(DEPOSITOR), st.just(KEEPER), st.just(BANK),
            st.sampled_from([ZERO, stage.facility]), word32, past,
        ),
        3,
        asks("PledgeRegistry", "pledge"),
    ),
    structs.Delivery: Signed(
        lambda stage: st.builds(
            structs.Delivery, st.just(stage.receipt), st.just(1), st.just(DEPOSITOR), st.just(KEEPER), word32, past
        ),
        2,
        lambda stage, consent, signatures: stage.deployed.ask(
            "DeliveryDesk", "deliver", consent, stage.deployed.issued[stage.receipt], [], signatures
        ),
    ),
    structs.Release: Signed(
        lambda stage: st.builds(structs.Release, st.just(stage.pledge), st.just(1), st.just(BANK), past),
        1,
        lambda stage, consent, signatures: stage.deployed.ask(
            "PledgeRegistry", "release", consent, stage.deployed.last_pledge, signatures
        ),
    ),
    structs.Fleet: Signed(
        lambda stage: st.builds(
            structs.Fleet, uint(32, 1), st.just(1), st.integers(1 << 31, (1 << 32) - 1), uint(31), root, word32, past
        ),
        1,
        asks("DeviceRegistry", "setFleet"),
    ),
    structs.Facility: Signed(
        lambda stage: st.builds(
            structs.Facility, st.integers(1, 6), st.integers(7, 12), st.just(PANEL), st.integers(0, 32),
            st.integers(0, 64), word32, root, root, past,
        ),
        2,
        asks("CreditBook", "openFacility"),
    ),
    structs.Drawdown: Signed(
        lambda stage: st.builds(structs.Drawdown, st.just(stage.facility), st.just(0), word32, past),
        2,
        asks("CreditBook", "draw"),
    ),
    structs.Repayment: Signed(
        lambda stage: st.builds(structs.Repayment, st.just(stage.facility), st.integers(0, 63), word32, past),
        1,
        asks("CreditBook", "repay"),
    ),
    structs.Cover: Signed(
        lambda stage: st.builds(
            structs.Cover, st.integers(5, 12), st.sampled_from([BANK, DEPOSITOR]), st.just(stage.facility),
            st.integers(0, 3), word32, uint(63), st.integers(1 << 63, (1 << 64) - 1), past,
        ),
        3,
        asks("CoverBook", "register"),
    ),
    structs.ClaimDecision: Signed(
        lambda stage: st.builds(
            structs.ClaimDecision, st.just(stage.cover), st.just(0), st.sampled_from([2, 3]), word32, past
        ),
        1,
        asks("CoverBook", "decideClaim"),
    ),
    structs.Inspection: Signed(
        lambda stage: st.builds(structs.Inspection, st.just(stage.facility), uint(32, 1), word32, past),
        1,
        lambda stage, consent, signature: decide(
            stage, structs.Decision(stage.review, 1, ZERO, digest(consent, stage.deployed.deployment), 0), consent,
            signature, bytes(128),
        ),
    ),
    structs.Decision: Signed(
        lambda stage: st.builds(
            structs.Decision, st.just(stage.review), st.sampled_from([1, 2]), word32, st.just(ZERO), past
        ),
        2,
        lambda stage, consent, signatures: decide(
            stage, consent, structs.Inspection(ZERO, 0, ZERO, 0), b"", signatures
        ),
    ),
}  # fmt: skip


def decide(stage: Stage, decision: Consent, inspection: Consent, inspector: bytes, signatures: bytes) -> object:
    place = (stage.facility, stage.review_seq)
    members = BANK | 6 << 32
    return stage.deployed.ask("ReviewBoard", "decide", decision, *place, inspection, inspector, members, signatures)


def test_every_consent_is_compared() -> None:
    assert set(SIGNED) == set(FOR)


@pytest.mark.parametrize("kind", list(SIGNED), ids=lambda kind: kind.__name__)
@EXAMPLES
@given(data=st.data())
def test_the_contract_recovers_whoever_signed_the_digest_of_python(
    stage: Stage, kind: type[Consent], data: st.DataObject
) -> None:
    signed = SIGNED[kind]
    consent = data.draw(signed.draw(stage))
    assert names_the_stranger(signed.ask(stage, consent, signed_by_stranger(stage, consent, signed.parties)))


@EXAMPLES
@given(
    st.builds(structs.Issue, word32, uint(32), uint(32), uint(16), uint(16), uint(64), word32, word32, word32, uint(64))
)
def test_the_id_of_any_receipt_is_the_digest_of_its_issue(stage: Stage, issue: structs.Issue) -> None:
    delivery = structs.Delivery(ZERO, 0, 0, 0, ZERO, 0)
    answer = stage.deployed.ask("DeliveryDesk", "deliver", delivery, issue, [], b"")
    assert answer == RevertCause(
        "IssueDiffers", (("given", digest(issue, stage.deployed.deployment)), ("receipt", ZERO))
    )


@EXAMPLES
@given(st.builds(structs.Pledge, word32, uint(32), uint(32), uint(32), uint(32), word32, word32, uint(64)))
def test_the_id_of_any_pledge_is_the_digest_of_its_consent(stage: Stage, pledge: structs.Pledge) -> None:
    release = structs.Release(stage.pledge, 1, BANK, 0)
    answer = stage.deployed.ask("PledgeRegistry", "release", release, pledge, b"")
    assert answer == RevertCause("PledgeUnknown", (("pledge", digest(pledge, stage.deployed.deployment)),))


@EXAMPLES
@given(word32, uint(64), root, uint(32))
def test_the_hub_recovers_whoever_signed_the_round_of_python(
    stage: Stage, schema: bytes, slot: int, top: bytes, leaves: int
) -> None:
    config = stage.deployed.config
    told = structs.Round(config.digest, schema, slot, top, leaves)
    signature = sign_digest(STRANGER, eip712.digest(config.domain, structs.Round.TYPE, told.message()))
    answer = stage.deployed.ask("AttestationHub", "anchor", schema, slot, top, leaves, 0b11, signature * 2)
    assert isinstance(answer, RevertCause)
    assert (answer.name, answer.args[1][1]) == ("NotAttested", address_of(STRANGER))


def test_an_issue_that_is_consented_to_returns_its_digest(stage: Stage) -> None:
    made = stage.deployed
    consent = structs.Issue(
        keccak256(b"c"), DEPOSITOR, KEEPER, 1, 0, 5, keccak256(b"p"), keccak256(b""), ZERO, made.now_ms
    )
    answer = made.ask("IssueDesk", "issue", consent, [], [], made.sign(consent, DEPOSITOR, KEEPER))
    assert isinstance(answer, bytes)
    assert decode_result("IssueDesk", "issue", answer) == (digest(consent, made.deployment),)


# --- heads


@dataclass
class Folded:
    """Words and heads of all records as `registry.heads` makes them from the chain's events."""

    deployed: Deployed
    block: int = 0
    records: dict[tuple[bytes, bytes], tuple[int, bytes]] = field(default_factory=dict, repr=False)

    def fold(self) -> set[tuple[bytes, bytes]]:
        """Takes up the newest blocks; the records that changed in them."""
        client, changed = self.deployed.client, set()
        last = client.block_number()
        for log in client.logs(min(self.block + 1, last), last, topics=[Transition.TOPIC]):
            if log.block_number <= self.block:
                continue
            told = decode_log(log.address, log.topics, log.data)
            assert isinstance(told, Transition)
            time = client.block(log.block_number).header.timestamp
            head = self.records.get((log.address, told.id), (0, EMPTY_HEAD))[1]
            own = event_digest(told.act, told.word, log.block_number, time, told.data)
            self.records[log.address, told.id] = (told.word, next_head(head, told.seq, own))
            changed.add((log.address, told.id))
        self.block = last
        return changed

    def on_chain(self, record: tuple[bytes, bytes]) -> tuple[int, bytes]:
        data = self.deployed.client.call(record[0], encode_call("CreditBook", "records", record[1]))
        return int.from_bytes(data[:32], "big"), data[32:]


@dataclass
class Life:
    """Acts on things that are this example's own; one that cannot be done now is sent all the same, and refused."""

    deployed: Deployed
    receipts: list[bytes] = field(default_factory=list)
    pledges: list[structs.Pledge] = field(default_factory=list)
    facility: bytes = b""
    paid: int = 0

    def do(self, act: str, which: int) -> None:
        made = self.deployed
        if act == "issue" or not self.receipts:
            self.receipts.append(made.issue())
            return
        receipt = self.receipts[which % len(self.receipts)]
        match act:
            case "pledge":
                made.pledge(receipt, check=False)
                self.pledges.append(made.last_pledge)
            case "pledge again":
                made.pledge(receipt, OTHER_BANK, check=False)
            case "release" if self.pledges:
                self._release(self.pledges[which % len(self.pledges)])
            case "hold":
                made.act("entity 2", "HoldDesk", "place", receipt, which, keccak256(b"order"), check=False)
            case "clear":
                order = (keccak256(b"order"), keccak256(b"clearing"))
                made.act("entity 2", "HoldDesk", "clear", receipt, which, *order, check=False)
            case "facility" if not self.facility:
                self.facility = made.facility(ZERO, 0, keccak256(b"schedule"), 3)
            case "draw" if self.facility:
                made.draw(self.facility)
            case "repay" if self.facility and self.paid < 3:
                made.repay(self.facility, self.paid)
                self.paid += 1

    def _release(self, pledge: structs.Pledge) -> None:
        made = self.deployed
        consent = structs.Release(digest(pledge, made.deployment), 1, pledge.pledgee, made.now_ms)
        signatures = made.sign(consent, pledge.pledgee)
        made.act("entity 1", "PledgeRegistry", "release", consent, pledge, signatures, check=False)


ACTS = ["issue", "pledge", "pledge again", "release", "hold", "clear", "facility", "draw", "repay"]


@pytest.fixture(scope="module")
def folded(deployed: Deployed) -> Folded:
    return Folded(deployed)


@EXAMPLES
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_heads_of_all_records_are_those_that_python_folds_from_the_events(
    deployed: Deployed, folded: Folded, acts: list[tuple[str, int]]
) -> None:
    folded.fold()
    life = Life(deployed)
    for act, which in acts:
        life.do(act, which)
    changed = folded.fold()
    assert {id_ for _, id_ in changed} >= set(life.receipts)
    for record in changed:
        assert folded.on_chain(record) == folded.records[record]


def test_the_records_that_never_changed_since_are_still_as_folded(folded: Folded) -> None:
    folded.fold()
    assert len(folded.records) > 10
    assert all(folded.on_chain(record) == told for record, told in folded.records.items())
