"""Bundles from a running system: proofs from a node, histories from the index, evidence from oracles.

Nothing that is gathered here is believed: what a bundle is worth, `registry.evidence.verify` alone says.
"""

from collections.abc import Iterable, Sequence

from ledger_node.chain_values import BlockView
from ledger_node.client import ChainClient
from ledger_node.consensus.clique import is_clique
from ledger_node.headers import Header
from ledger_node.hexvalues import data_hex
from oracle.formats.observation import round_id
from oracle.formats.opening import Opening
from oracle.formats.rule import Action
from registry import structs
from registry.acts import Contract
from registry.answers import receipt_parties
from registry.evidence.bundle import ActionEvidence, Bundle, Claim, ClaimKind, RecordHistory
from registry.evidence.claims import needed_slots
from registry.evidence.gather import EvidencePort, gather
from registry.index.pages import MAX_LIMIT
from registry.index.queries import Snapshot
from registry.items import Cover, Facility, Firing, Fleet, Receipt, entity_id, firing_id
from registry.slots import fleet_slots, pledge_slot, round_slot
from registry.transitions import Deployment

Place = tuple[Contract, bytes]


class CannotProve(LookupError):
    """There is nothing to prove; the message says what is missing."""


class Collector:
    """Collects bundles at the block of a snapshot; the node must still have that block's state."""

    def __init__(
        self, client: ChainClient, snapshot: Snapshot, deployment: Deployment, *, confirmations: int = 0
    ) -> None:
        """`confirmations` is how many blocks make a block of a Clique chain final; its bundles carry as many."""
        self._client = client
        self._confirmations = confirmations
        self._snapshot = snapshot
        self._deployment = deployment

    def receipt(self, id_: bytes, documents: Iterable[Opening] = ()) -> Bundle:
        """A bundle for a receipt. Raises CannotProve, and what ChainClient raises."""
        receipt = self._snapshot.one(Receipt, id_)
        if receipt is None:
            raise CannotProve(f"receipt {data_hex(id_)} is unknown at block {self._snapshot.block.number}")
        places: list[Place] = [(Contract.RECEIPTS, id_)]
        places += [(Contract.PARTICIPANTS, entity_id(each)) for each in receipt_parties(self._snapshot, receipt)]
        slots = {(Contract.PLEDGES, pledge_slot(pledge)) for pledge in receipt.pledges}
        return self._bundle(Claim(ClaimKind.RECEIPT, id_), places, slots, documents, None)

    def facility(self, id_: bytes, documents: Iterable[Opening] = ()) -> Bundle:
        """A bundle for a facility. Raises CannotProve, and what ChainClient raises."""
        return self._bundle(Claim(ClaimKind.FACILITY, id_), self._facility(id_), set(), documents, None)

    def action(self, id_: bytes, seq: int, port: EvidencePort, documents: Iterable[Opening] = ()) -> Bundle:
        """A bundle for what a rule did at a transition of a facility. Raises CannotProve, EvidenceMissing."""
        places = self._facility(id_)
        history = self._snapshot.history(Contract.CREDIT, id_)
        act = history[seq - 1].transition.read()[1] if 0 < seq <= len(history) else None
        fired = self._snapshot.one(Firing, firing_id(id_, seq))
        if not isinstance(act, structs.Firing) or fired is None:
            raise CannotProve(f"seq {seq} of facility {data_hex(id_)} is nothing that a rule did")
        evidence = gather(port, id_, fired.firing, act, self._epochs(history[seq - 1].transition.at.block))
        slots = {(Contract.HUB, round_slot(round_id(each.schema, each.slot))) for each in evidence.rounds}
        for fleet in evidence.fleets:
            slots |= {(Contract.DEVICES, slot) for slot in fleet_slots(fleet.entity)}
            places += [(Contract.DEVICES, entity_id(fleet.entity)), (Contract.PARTICIPANTS, entity_id(fleet.entity))]
        if act.action in (Action.HOLD, Action.REVIEW):
            places.append((Contract.REVIEWS, act.target))
        if act.action == Action.OPEN_CLAIM:
            places += self._cover(act.target)
        return self._bundle(Claim(ClaimKind.ACTION, id_, seq), places, slots, documents, evidence)

    def _epochs(self, block: int) -> dict[int, int]:
        """The epoch of each entity's fleet that was in force at a block."""
        fleets = self._snapshot.find(Fleet, limit=MAX_LIMIT).items
        found: dict[int, int] = {}
        for fleet in fleets:
            history = self._snapshot.history(Contract.DEVICES, fleet.id)
            sets = [each.transition.read()[1] for each in history if each.transition.at.block <= block]
            if sets and isinstance(sets[-1], structs.Fleet):
                found[sets[-1].entity] = sets[-1].epoch
        return found

    def _facility(self, id_: bytes) -> list[Place]:
        facility = self._snapshot.one(Facility, id_)
        if facility is None:
            raise CannotProve(f"facility {data_hex(id_)} is unknown at block {self._snapshot.block.number}")
        parties = (facility.word.lender, facility.word.borrower)
        return [(Contract.CREDIT, id_), *((Contract.PARTICIPANTS, entity_id(each)) for each in parties)]

    def _cover(self, id_: bytes) -> list[Place]:
        cover = self._snapshot.one(Cover, id_)
        if cover is None:
            raise CannotProve(f"cover {data_hex(id_)} is unknown at block {self._snapshot.block.number}")
        parties = (cover.word.insurer, cover.word.insured)
        return [(Contract.COVERS, id_), *((Contract.PARTICIPANTS, entity_id(each)) for each in parties)]

    def _bundle(
        self,
        claim: Claim,
        places: Sequence[Place],
        slots: set[tuple[Contract, int]],
        documents: Iterable[Opening],
        action: ActionEvidence | None,
    ) -> Bundle:
        number = self._snapshot.block.number
        view = self._client.block(number)
        if view.hash != self._snapshot.block.hash:
            raise CannotProve(f"block {number} was replaced; ask again")
        wanted = sorted(set(places), key=lambda place: (place[0].value, place[1]))
        slots = slots | {(contract, slot) for contract, id_ in wanted for slot in needed_slots(contract, id_)}
        proofs = []
        for contract in sorted({contract for contract, _ in slots}, key=lambda each: each.value):
            own = sorted(slot for owner, slot in slots if owner is contract)
            proofs.append((contract, self._client.proof(self._deployment.addresses[contract], own, number)))
        return Bundle(
            claim=claim,
            chain_id=self._deployment.chain_id,
            header=view.header,
            seal=view.seal,
            proofs=tuple(proofs),
            records=tuple(self._record(*place) for place in wanted),
            documents=tuple(sorted(set(documents), key=lambda each: each.commitment)),
            action=action,
            after=self._confirming(view) if is_clique(view.header) else (),
        )

    def _confirming(self, block: BlockView) -> tuple[Header, ...]:
        """The headers that stand on a block, as many as make it final, or as there are yet."""
        last = min(block.header.number + self._confirmations, self._client.block_number())
        found: list[Header] = []
        parent = block.hash
        for number in range(block.header.number + 1, last + 1):
            view = self._client.block(number)
            if view.header.parent_hash != parent:
                raise CannotProve(f"block {number - 1} was replaced; ask again")
            found.append(view.header)
            parent = view.hash
        return tuple(found)

    def _record(self, contract: Contract, id_: bytes) -> RecordHistory:
        history = self._snapshot.history(contract, id_)
        if not history:
            raise CannotProve(f"{contract.value}: the index has no record {data_hex(id_)}")
        return RecordHistory(contract, id_, tuple(each.transition for each in history))
