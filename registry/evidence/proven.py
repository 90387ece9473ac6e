"""From a bundle and a trust file to state: the header is believed, the slots are proved, histories meet their heads.

Every slot and every record that a bundle carries must be asked for by a step of its claim; `finish` refuses the rest.
"""

from collections.abc import Sequence
from typing import TypeVar

from ledger_node.canonical_json import JsonValue
from ledger_node.consensus.run import Run
from ledger_node.hexvalues import data_hex
from ledger_node.proofs import ProofError, verify_state
from ledger_node.trust import Trust, TrustError, check_header
from registry.acts import ActError, Contract
from registry.documents.commitment import DocumentError, check
from registry.evidence.bundle import Bundle, RecordHistory
from registry.evidence.steps import StepFailed, StepName
from registry.items import Item, Key
from registry.slots import pledge_slot, record_slots
from registry.state import StateError, apply, check_record
from registry.transitions import Deployment, Transition
from registry.words import WordError

T = TypeVar("T")


class Proven:
    """What a bundle has proved so far; it answers as registry.answers.Source does."""

    def __init__(self, bundle: Bundle, trust: Trust) -> None:
        self.bundle = bundle
        self._trust = trust
        self._values: dict[tuple[Contract, int], int] = {}
        self._asked: set[tuple[Contract, int]] = set()
        self._records = {(each.contract, each.id): each for each in bundle.records}
        self._loaded: set[tuple[Contract, bytes]] = set()
        self._state: dict[Key, Item] = {}
        self._documents: dict[bytes, JsonValue] = {}
        names = {each.value for each in Contract}
        addresses = {Contract(each.name): each.address for each in trust.contracts if each.name in names}
        self.deployment = Deployment(trust.chain_id, addresses)

    # --- steps

    def check_trust(self) -> str:
        """The bundle is of the chain that the trust file knows."""
        if self.bundle.chain_id != self._trust.chain_id:
            raise StepFailed(StepName.TRUST, f"chain {self.bundle.chain_id} is not the trusted {self._trust.chain_id}")
        missing = [each.value for each in Contract if each not in self.deployment.addresses]
        if missing:
            raise StepFailed(StepName.TRUST, f"the trust file does not name {missing[0]}")
        return f"chain {self._trust.chain_id}, engine {self._trust.engine.value}"

    def check_header(self) -> str:
        """The trust file believes the header."""
        header, trust = self.bundle.header, self._trust
        if self.bundle.seal is not None and (trust.sealer is None or header.number == 0):
            raise StepFailed(StepName.HEADER, "the bundle has a seal that nothing asks for")
        run = Run(header, self.bundle.before, self.bundle.after)
        try:
            self.block_hash = check_header(run, self.bundle.seal, trust)
        except TrustError as error:
            raise StepFailed(StepName.HEADER, str(error)) from None
        by = ""
        if trust.checkpoint is not None:
            by = f", by the {len(trust.checkpoint.validators)} validators known at block {trust.checkpoint.tip.number}"
            by += f", {len(run.after)} blocks on it" if run.after else ""
        return f"block {header.number} {data_hex(self.block_hash)}{by}"

    def check_state(self) -> str:
        """Every account and slot of the bundle is in the header's state, and the code is the trusted one."""
        count = 0
        for contract, proof in self.bundle.proofs:
            trusted = self._trust.contract(contract.value)
            try:
                verify_state(self.bundle.header.state_root, proof)
            except ProofError as error:
                raise StepFailed(StepName.STATE, f"{contract.value}: {error}") from None
            if proof.address != trusted.address:
                raise StepFailed(StepName.STATE, f"{contract.value}: the proof is of another address")
            if proof.account.code_hash != trusted.code_hash:
                raise StepFailed(StepName.STATE, f"{contract.value}: its code is not the trusted one")
            for slot in proof.slots:
                if (contract, slot.slot) in self._values:
                    raise StepFailed(StepName.STATE, f"{contract.value}: slot {slot.slot:#066x} stands twice")
                self._values[contract, slot.slot] = slot.value
                count += 1
        return f"{len(self.bundle.proofs)} contracts, {count} slots"

    def finish(self) -> str:
        """Nothing in the bundle was left unasked for."""
        for contract, slot in self._values:
            if (contract, slot) not in self._asked:
                raise StepFailed(
                    StepName.COMPLETE, f"{contract.value}: slot {slot:#066x} belongs to no part of the claim"
                )
        for contract, id_ in self._records:
            if (contract, id_) not in self._loaded:
                raise StepFailed(StepName.COMPLETE, f"{contract.value}: record {data_hex(id_)} is no part of the claim")
        return "every field was used"

    # --- asking

    def slot(self, contract: Contract, slot: int) -> int:
        """The proved value of a slot. Raises StepFailed (state) when the bundle does not prove it."""
        if (contract, slot) not in self._values:
            raise StepFailed(StepName.STATE, f"{contract.value}: slot {slot:#066x} is not proved")
        self._asked.add((contract, slot))
        return self._values[contract, slot]

    def load(self, contract: Contract, id_: bytes) -> RecordHistory:
        """A record with its whole history, checked against the head in the state. Raises StepFailed (history)."""
        record = self._records.get((contract, id_))
        if record is None:
            raise StepFailed(StepName.HISTORY, f"{contract.value}: record {data_hex(id_)} is missing")
        if (contract, id_) in self._loaded:
            return record
        self._loaded.add((contract, id_))
        try:
            for transition in record.transitions:
                self._state.update(apply(self._state, transition, self.deployment))
            word, head = (self.slot(contract, slot) for slot in record_slots(contract, id_))
            check_record(self._state, contract, id_, word, head.to_bytes(32, "big"))
        except (StateError, ActError, WordError) as error:
            raise StepFailed(StepName.HISTORY, str(error)) from None
        return record

    def item(self, kind: type[T], key: Key) -> T:
        """An item that a loaded history made. Raises StepFailed (claim) when none did."""
        found = self._state.get(key)
        if not isinstance(found, kind):
            raise StepFailed(StepName.CLAIM, f"the histories know no {key.kind.value} {data_hex(key.id)}")
        return found

    def check_pledge(self, pledge: bytes, word: int) -> None:
        """The pledge's own word in PledgeRegistry is the one that the receipt's history gives."""
        if self.slot(Contract.PLEDGES, pledge_slot(pledge)) != word:
            raise StepFailed(StepName.HISTORY, f"PledgeRegistry: the word of pledge {data_hex(pledge)} is another")

    # --- documents

    def open_documents(self, known: set[bytes]) -> str:
        """Each opened document is one of the known commitments."""
        for opening in self.bundle.documents:
            if opening.commitment not in known:
                raise StepFailed(
                    StepName.DOCUMENTS, f"a document of commitment {data_hex(opening.commitment)} is not committed to"
                )
            try:
                self._documents[opening.commitment] = check(opening, opening.commitment)
            except DocumentError as error:
                raise StepFailed(StepName.DOCUMENTS, str(error)) from None
        return f"{len(self.bundle.documents)} opened"

    # --- registry.answers.Source

    def get(self, key: Key, /) -> Item | None:
        """The item of a key."""
        return self._state.get(key)

    def transitions(self, contract: Contract, id_: bytes) -> Sequence[Transition]:
        """All transitions of a loaded record."""
        return self._records[contract, id_].transitions

    def opened(self, commitment: bytes) -> JsonValue:
        """The content of an opened document, None for one that is not opened."""
        return self._documents.get(commitment)

    @property
    def histories(self) -> Sequence[RecordHistory]:
        """The records that were loaded."""
        return [record for place, record in self._records.items() if place in self._loaded]
