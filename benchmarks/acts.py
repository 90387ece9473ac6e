"""The acts whose gas is measured, each made when its turn comes, since it depends on those before."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from benchmarks.consortium import (
    BANK,
    DEPOSITOR,
    KEEPER,
    PANEL,
    ZERO,
    Consortium,
    drafted_at,
    members,
    signer_of,
)
from ledger_node.abi import encode_call
from ledger_node.bindings.structs import Round
from ledger_node.eip712 import Domain
from ledger_node.eip712 import digest as typed_digest
from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.merkle import leaf_hash, node_hash
from oracle.formats.observation import Observation
from oracle.formats.report import config_digest
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Rule, rules_tree
from oracle.formats.segment import Quality
from registry import structs
from registry.acts import Contract
from registry.consents import digest

DEPTH = 17
"""Of the rounds that a rule reads: a hundred thousand observations each."""
RUN = 3
HOUR_MS = 3_600_000
SCHEMA, SUBJECT, METRIC = keccak256(b"schema"), keccak256(b"coil"), keccak256(b"weight")


@dataclass(frozen=True, slots=True)
class Act:
    """One call: who sends it, and how many signatures the contracts check in it beside the sender's."""

    name: str
    what: str
    signatures: int
    sender: LocalSigner
    contract: Contract
    data: bytes


def acts(made: Consortium) -> Iterator[Act]:
    """Acts in an order in which each is possible; whoever iterates sends each before taking the next."""
    yield from _members(made)
    yield from _receipts(made)
    yield from _rules(made)


def _act(
    name: str,
    what: str,
    signatures: int,
    contract: Contract,
    function: str,
    *args: object,
    by: LocalSigner | None = None,
) -> Act:
    data = encode_call(contract.value, function, *args)
    return Act(name, what, signatures, by or signer_of("operator"), contract, data)


def _members(made: Consortium) -> Iterator[Act]:
    account = signer_of("new member").address
    yield _act("register", "an entity registered", 0, Contract.PARTICIPANTS, "register", 1, keccak256(b"new"), account)
    yield _act(
        "account", "an account added", 0, Contract.PARTICIPANTS, "addAccount", BANK, signer_of("second").address, 1,
        by=members(BANK)[0],
    )  # fmt: skip


def _receipts(made: Consortium) -> Iterator[Act]:
    numbers = count()
    for name, what in (("issue.first", "first receipt of an owner issued"), ("issue", "receipt issued, two consents")):
        data = made.issue_data(next(numbers))
        yield Act(name, what, 2, signer_of("operator"), Contract.ISSUE_DESK, data)
    keys = [keccak256(b"unit %d" % at) for at in range(2)]
    issue = made.issue(next(numbers), keys)
    signatures = made.sign(issue, DEPOSITOR, KEEPER)
    yield _act(
        "issue.units", "receipt with two unit keys issued", 2, Contract.ISSUE_DESK, "issue", issue, keys, [], signatures
    )
    receipt = digest(issue, made.deployment)
    pledge = structs.Pledge(receipt, 1, DEPOSITOR, KEEPER, BANK, ZERO, keccak256(b"terms"), drafted_at())
    signatures = made.sign(pledge, DEPOSITOR, KEEPER, BANK)
    yield _act("pledge", "receipt pledged, three consents", 3, Contract.PLEDGES, "pledge", pledge, signatures)
    release = structs.Release(digest(pledge, made.deployment), 1, BANK, drafted_at())
    signatures = made.sign(release, BANK)
    yield _act("release", "pledge released", 1, Contract.PLEDGES, "release", release, pledge, signatures)
    keeper, order = members(KEEPER)[0], keccak256(b"order")
    yield _act("hold", "hold placed on a receipt", 0, Contract.HOLD_DESK, "place", receipt, 3, order, by=keeper)
    clearing = (receipt, 3, order, keccak256(b"lifted"))
    yield _act("clear", "hold cleared", 0, Contract.HOLD_DESK, "clear", *clearing, by=keeper)
    delivery = structs.Delivery(receipt, 5, DEPOSITOR, KEEPER, order, drafted_at())
    signatures = made.sign(delivery, DEPOSITOR, KEEPER)
    yield _act(
        "deliver", "goods with two unit keys delivered, two consents", 2, Contract.DELIVERY_DESK, "deliver", delivery,
        issue, keys, signatures,
    )  # fmt: skip


def _rules(made: Consortium) -> Iterator[Act]:
    rules = (_rule(0, Action.NOTIFY), _rule(1, Action.HOLD))
    tree = rules_tree(rules)
    facility = structs.Facility(BANK, DEPOSITOR, PANEL, 2, 0, keccak256(b"terms"), tree.root, ZERO, drafted_at())
    signatures = made.sign(facility, BANK, DEPOSITOR)
    yield _act("facility", "facility opened, two consents", 2, Contract.CREDIT, "openFacility", facility, signatures)
    evidence = []
    first = (int(time.time()) // 3600 - RUN) * HOUR_MS  # once, so that no full hour comes between two rounds
    for number in range(RUN):
        seen, proof, anchoring = _round(made, first, number)
        if number < RUN - 1:
            made.send_data(anchoring.sender, anchoring.contract, anchoring.data)
        else:
            yield anchoring
        evidence.append((seen.abi(), 0, proof))
    id_ = digest(facility, made.deployment)
    for rule, name in zip(rules, ("rule.notify", "rule.hold"), strict=True):
        what = f"rule fired on {RUN} rounds of depth {DEPTH}: {rule.action.name.lower()}"
        args = (id_, rule.abi(), tree.proof(rule.index), [evidence], b"")
        yield _act(name, what, 0, Contract.ENGINE, "execute", *args)


def _rule(index: int, action: Action) -> Rule:
    light = Condition(
        SCHEMA,
        SUBJECT,
        METRIC,
        HOUR_MS,
        EvidenceKind.MASS,
        Comparator.BELOW,
        RUN,
        False,
        frozenset({Quality.PASS}),
        9_900,
    )
    return Rule(index, action, 0, True, 10 * HOUR_MS, keccak256(b"clause"), keccak256(b"salt"), (light,))


def _round(made: Consortium, first: int, number: int) -> tuple[Observation, list[bytes], Act]:
    """An observation below the threshold, its proof, and the anchoring of its round by two of four oracles."""
    slot = first + number * HOUR_MS
    seen = Observation(SCHEMA, slot, SUBJECT, METRIC, 9_000, Quality.PASS, 3, keccak256(b"sources"), keccak256(b"salt"))
    proof, root = [], leaf_hash(seen.leaf())
    for depth in range(DEPTH):
        proof.append(keccak256(b"sibling %d of %d" % (depth, number)))
        root = node_hash(root, proof[-1])
    hub, chain_id = made.deployment.addresses[Contract.HUB], made.deployment.chain_id
    config = config_digest(chain_id, hub, 1, 1, [each.address for each in made.oracles])
    round_ = Round(config, SCHEMA, slot, root, 1 << DEPTH)
    what = typed_digest(Domain("Cangdan", "1", chain_id, hub), Round.TYPE, round_.message())
    signatures = b"".join(oracle.sign_digest(what) for oracle in made.oracles[:2])
    args = (SCHEMA, slot, root, 1 << DEPTH, 0b11, signatures)
    return seen, proof, _act("anchor", "round anchored, 2 of 4 oracles", 2, Contract.HUB, "anchor", *args)
