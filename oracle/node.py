"""The chain as an oracle's own node tells it: the ports of intake and judgement, and one outbox to send by."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ledger_node import client as rpc
from ledger_node.abi import decode_log, decode_result, encode_call
from ledger_node.bindings.events import OraclesSet, RoundAnchored, Transition
from ledger_node.bindings.structs import Cover
from ledger_node.chain_values import AnswerError
from ledger_node.covers import rules_of
from ledger_node.deploy import Addresses
from ledger_node.eip712 import Domain
from ledger_node.finality import newest_final
from ledger_node.outbox import ActConflict, ActRefused, Outbox, Status
from oracle.agreement import Round
from oracle.chain import Anchored, AnchoredPage, Execution, FacilityRoots, Refusal
from oracle.clock import Clock
from oracle.formats.report import Config
from oracle.ports import ChainUnavailable, FleetRoots, FleetSize

LOG_BLOCKS = 5000
"""How many blocks are asked for logs at once: what Besu allows."""
CONFIG_FRESH_MS = 2_000
ANCHOR_GAS, SIGNER_GAS = 150_000, 12_000
"""What an anchoring may use at most, and more a signer; it needs about half."""
_FACILITY_OPEN, _UINT32 = 1, 0xFFFFFFFF
_REGISTER_COVER = (1).to_bytes(32, "big")


class NodeChain:
    """One oracle's view of the chain, at its final blocks. May be used by several threads."""

    def __init__(
        self, client: rpc.ChainClient, addresses: Addresses, outbox: Outbox, clock: Clock, finality: int = 0
    ) -> None:
        """`finality`: blocks on top of one until it is final."""
        self._client = client
        self._addresses = addresses
        self._outbox = outbox
        self._clock = clock
        self._finality = finality
        self._lock = threading.Lock()
        self._config: tuple[int, Config] | None = None
        self._covers_lock = threading.Lock()
        self._covers: dict[tuple[bytes, int], list[tuple[bytes, Cover]]] = {}
        self._covers_from = 0

    # --- the oracle set -----------------------------------------------------------------------------------------------

    def config(self) -> Config:
        """The oracle set in force. Raises ChainUnavailable, also before the first set."""
        with self._lock:
            now = self._clock.now_ms()
            if self._config is None or not 0 <= now - self._config[0] < CONFIG_FRESH_MS:
                self._config = (now, self._ask_config())
            return self._config[1]

    def _ask_config(self) -> Config:
        _, epoch, f, count = self._call("AttestationHub", "config")
        if not count:
            raise ChainUnavailable("the consortium has no oracle set yet")
        (digest,) = self._call("AttestationHub", "configDigest")
        (oracles,) = self._call("AttestationHub", "oracles")
        return Config(self._domain("AttestationHub"), digest, tuple(oracles), f, epoch)

    def is_oracle(self, address: bytes) -> bool:
        """Whether an address is of an oracle. Raises ChainUnavailable."""
        return self.config().position(address) is not None

    # --- rounds -------------------------------------------------------------------------------------------------------

    def anchored_since(self, block: int) -> AnchoredPage:
        """The sets and rounds that final blocks from `block` on hold, at most 5000 blocks. Raises ChainUnavailable."""
        found, after = self._logs("AttestationHub", block, ((OraclesSet.TOPIC, RoundAnchored.TOPIC),))
        domain = self._domain("AttestationHub")
        sets = (
            Config(domain, each.config_digest, each.oracles, each.f, each.set_epoch)
            for each in found
            if isinstance(each, OraclesSet)
        )
        rounds = (
            Anchored(each.schema, each.slot, each.root, each.set_epoch)
            for each in found
            if isinstance(each, RoundAnchored)
        )
        return AnchoredPage(tuple(sets), tuple(rounds), after)

    def anchor(self, key: str, round_: Round, mask: int, signatures: bytes) -> None:
        """Sends a round. Raises ChainUnavailable."""
        place = (round_.schema, round_.slot, round_.tree.root, len(round_.leaves))
        data = encode_call("AttestationHub", "anchor", *place, mask, signatures)
        self._submit(key, "AttestationHub", data, ANCHOR_GAS + SIGNER_GAS * mask.bit_count())

    # --- facilities ---------------------------------------------------------------------------------------------------

    def credit_domain(self) -> Domain:
        """CreditBook's EIP-712 domain."""
        return self._domain("CreditBook")

    def facility(self, facility: bytes) -> FacilityRoots | None:
        """A facility's roots, or None. Raises ChainUnavailable."""
        (word,) = self._call("CreditBook", "wordOf", facility)
        if not word:
            return None
        rules, schedule, _ = self._call("CreditBook", "terms", facility)
        return FacilityRoots(word >> 96 & 0xFF == _FACILITY_OPEN, rules, schedule)

    def last_slot(self, facility: bytes, rule: int) -> int:
        """The last slot that a rule acted on. Raises ChainUnavailable."""
        return int(self._call("RuleEngine", "lastSlot", facility, rule)[0])

    def cover_of(self, facility: bytes, rule: int, slot: int) -> bytes | Refusal | None:
        """The cover that a rule opens claims under at a slot; None while there may yet be one, else why there is none.

        A call that finds none looks through at most 5000 more blocks. Raises ChainUnavailable.
        """
        with self._covers_lock:
            found = self._known_cover(facility, rule, slot)
            if found is None and self._follow_covers():
                found = self._known_cover(facility, rule, slot)
            return found

    def _known_cover(self, facility: bytes, rule: int, slot: int) -> bytes | Refusal | None:
        for id_, cover in self._covers.get((facility, rule), ()):
            if cover.start <= slot < cover.end:
                return id_
            if cover.start > slot:
                # Each cover of a rule begins after those before it, so no later one holds this slot.
                return Refusal("CoverNotInForce", f"no cover of rule {rule} was in force at {slot}")
        return None

    def _follow_covers(self) -> bool:
        """Takes up the covers of the next final blocks; whether there were such blocks."""
        found, after = self._logs("CoverBook", self._covers_from, (Transition.TOPIC, None, _REGISTER_COVER))
        for event in found:
            if isinstance(event, Transition):
                cover = Cover.decode(event.data)
                for rule in rules_of(cover):
                    self._covers.setdefault((cover.facility, rule), []).append((event.id, cover))
        more = after != self._covers_from
        self._covers_from = after
        return more

    def entity_of(self, account: bytes) -> int | None:
        """The entity that an account acts for, or None. Raises ChainUnavailable."""
        try:
            return int(self._call("ParticipantRegistry", "actsFor", account)[0])
        except rpc.CallReverted:
            return None

    def execute(self, key: str, execution: Execution) -> Refusal | None:
        """Sends an execution, or says why the engine would refuse it. Raises ChainUnavailable."""
        evidence = [
            [(seen.abi(), index, list(proof)) for seen, (index, proof) in zip(run, proofs, strict=True)]
            for run, proofs in zip(execution.firing.evidence, execution.proofs, strict=True)
        ]
        rule, proof = execution.firing.rule.abi(), list(execution.rule_proof)
        data = encode_call("RuleEngine", "execute", execution.facility, rule, proof, evidence, execution.action_data)
        try:
            self._submit(key, "RuleEngine", data, None)
        except ActRefused as error:
            return Refusal(error.cause.name, str(error.cause))
        return None

    # --- sending ------------------------------------------------------------------------------------------------------

    def outcome(self, key: str) -> Refusal | bool:
        """What became of an act; not before it is final."""
        sent = self._outbox.find(key)
        if sent is not None and sent.status is Status.REFUSED and sent.settled and sent.cause is not None:
            return Refusal(sent.cause.name, str(sent.cause))
        return sent is not None and sent.status is Status.FINAL

    def look(self) -> None:
        """Lets the outbox see what became of what it sent, and send again what the node has lost."""
        self._outbox.step()

    def _submit(self, key: str, contract: str, data: bytes, gas: int | None) -> None:
        with _asking():
            try:
                self._outbox.submit(key, self._addresses.address(contract), data, gas=gas)
            except ActConflict:
                # Sent before a restart, under other signatures or proofs of the same thing.
                return

    # --- fleets and blocks --------------------------------------------------------------------------------------------

    def roots(self, entity: int) -> FleetRoots | None:
        """The roots of an entity's fleet, or None. Raises ChainUnavailable."""
        fleet, revocations = self._call("DeviceRegistry", "roots", entity)
        return FleetRoots(fleet, revocations) if any(fleet) else None

    def fleet_size(self, entity: int) -> FleetSize | None:
        """How many devices an entity's fleet has, or None. Raises ChainUnavailable."""
        word, _ = self._call("DeviceRegistry", "records", entity.to_bytes(32, "big"))
        return FleetSize(word >> 32 & _UINT32, word >> 64 & _UINT32) if word else None

    def is_final(self, block_hash: bytes) -> bool:
        """Whether a hash names a final block. Raises ChainUnavailable."""
        with _asking():
            try:
                number = self._client.block(block_hash).header.number
                return number <= self._final() and self._client.block(number).hash == block_hash
            except AnswerError:
                return False

    def latest(self) -> bytes:
        """The hash of the newest final block. Raises ChainUnavailable."""
        with _asking():
            return self._client.block(self._final()).hash

    # --- asking -------------------------------------------------------------------------------------------------------

    def _final(self) -> int:
        return max(0, newest_final(self._client.block_number(), self._finality))

    def _call(self, contract: str, function: str, *args: object) -> tuple[Any, ...]:
        with _asking():
            block: rpc.BlockId = self._final() if self._finality else "latest"
            answer = self._client.call(
                self._addresses.address(contract), encode_call(contract, function, *args), block=block
            )
            return decode_result(contract, function, answer)

    def _logs(
        self, contract: str, block: int, topics: Sequence[bytes | Sequence[bytes] | None]
    ) -> tuple[list[object], int]:
        """The events of a contract from a block on, at most `LOG_BLOCKS`, and the block to ask from next."""
        with _asking():
            deployed = next(each.block for each in self._addresses.contracts if each.name == contract)
            first, head = max(block, deployed), self._final()
            if first > head:
                return [], block
            last = min(first + LOG_BLOCKS - 1, head)
            logs = self._client.logs(first, last, (self._addresses.address(contract),), topics)
            return [decode_log(each.address, each.topics, each.data) for each in logs], last + 1

    def _domain(self, contract: str) -> Domain:
        return Domain("Cangdan", "1", self._addresses.chain_id, self._addresses.address(contract))


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except (rpc.ChainUnavailable, AnswerError) as error:
        raise ChainUnavailable(str(error)) from None
    except rpc.CallReverted:
        raise
    except rpc.RpcError as error:
        raise ChainUnavailable(f"the node refuses: {error}") from None
