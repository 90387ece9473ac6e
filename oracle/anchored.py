"""The rounds that final blocks hold, each with the set of oracles that signed it and the reports it was made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger_node.eip712 import Domain
from oracle.agreement import Round, rebuilt
from oracle.chain import Anchored
from oracle.formats.report import Config, Proposal
from oracle.formats.schema import Schema
from oracle.store import Store

_ROUND = (
    "SELECT anchored.schema, slot, root, serial, body, epoch, digest, chain_id, hub, f, oracles "
    "FROM anchored JOIN oracle_sets USING (epoch) "
)
_ADDRESS = 20


@dataclass(frozen=True, slots=True)
class AnchoredRound:
    """A round of a final block; `proposal` is None until its reports are known here. `serial` numbers by anchoring."""

    schema: bytes
    slot: int
    root: bytes
    serial: int
    config: Config
    proposal: Proposal | None

    def rebuild(self, schema: Schema, proposal: Proposal) -> Round:
        """The round with its leaves, out of a proposal, under the set that signed it. Raises Refused."""
        return rebuilt(proposal, schema, self.config)


class AnchoredRounds:
    """Reads and writes of anchored rounds and of the sets of oracles, in the oracle's database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    def add(self, sets: Sequence[Config], rounds: Sequence[Anchored]) -> None:
        """Keeps what the chain holds; a round's reports come along when a proposal of its root and set is known."""
        with self._database.transaction():
            for config in sets:
                domain = (config.domain.chain_id, config.domain.verifying_contract)
                self._database.rows(
                    "INSERT OR IGNORE INTO oracle_sets VALUES (?, ?, ?, ?, ?, ?)",
                    (config.epoch, config.digest, *domain, config.f, b"".join(config.oracles)),
                )
            for each in rounds:
                self._add(each)

    def _add(self, each: Anchored) -> None:
        place = (each.schema, each.slot)
        self._database.rows(
            "INSERT INTO anchored (schema, slot, root, epoch, body) VALUES (?, ?, ?, ?, "
            "(SELECT body FROM proposals WHERE schema = ? AND slot = ? AND epoch = ? AND root = ?)) "
            "ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
            (*place, each.root, each.epoch, *place, each.epoch, each.root),
        )
        self._database.rows("DELETE FROM open_slots WHERE schema = ? AND slot = ?", place)
        self._database.rows("DELETE FROM reports WHERE schema = ? AND slot = ? AND own = 0", place)
        self._database.rows("DELETE FROM proposals WHERE schema = ? AND slot = ? AND root = ?", (*place, each.root))

    def add_proposal(self, round_: AnchoredRound, proposal: Proposal) -> None:
        """Keeps the reports of an anchored round that were fetched from a peer."""
        self._database.rows(
            "UPDATE anchored SET body = ? WHERE serial = ?",
            (self._store.seal_proposal(proposal, round_.root), round_.serial),
        )

    def find(self, schema: bytes, slot: int) -> AnchoredRound | None:
        """The anchored round of a slot, or None."""
        found = self._read("WHERE anchored.schema = ? AND slot = ?", (schema, slot))
        return found[0] if found else None

    def from_slot(self, schema: bytes, slot: int, limit: int) -> list[AnchoredRound]:
        """Rounds of a schema from a slot on, in the order of slots."""
        return self._read("WHERE anchored.schema = ? AND slot >= ? ORDER BY slot LIMIT ?", (schema, slot, limit))

    def after_serial(self, schema: bytes, serial: int, limit: int) -> list[AnchoredRound]:
        """Rounds of a schema after a serial number, in the order of anchoring."""
        return self._read("WHERE anchored.schema = ? AND serial > ? ORDER BY serial LIMIT ?", (schema, serial, limit))

    def bare(self, limit: int) -> list[AnchoredRound]:
        """Rounds of known schemas whose reports are not known here."""
        known = "WHERE body IS NULL AND anchored.schema IN (SELECT id FROM schemas) ORDER BY serial LIMIT ?"
        return self._read(known, (limit,))

    def was_oracle(self, address: bytes) -> bool:
        """Whether an address is of an oracle of any set: what its log has counts until all of it is read."""
        sets = self._database.rows("SELECT oracles FROM oracle_sets")
        return any(address in _members(oracles) for (oracles,) in sets)

    def _read(self, where: str, values: tuple[object, ...]) -> list[AnchoredRound]:
        return [self._open(*row) for row in self._database.rows(_ROUND + where, values)]

    def _open(
        self, schema: bytes, slot: int, root: bytes, serial: int, body: bytes | None, *config: Any
    ) -> AnchoredRound:
        epoch, digest, chain_id, hub, f, oracles = config
        signed_by = Config(Domain("Cangdan", "1", chain_id, hub), digest, _members(oracles), f, epoch)
        proposal = None if body is None else self._store.open_proposal(schema, slot, root, body)
        return AnchoredRound(schema, slot, root, serial, signed_by, proposal)


def _members(packed: bytes) -> tuple[bytes, ...]:
    return tuple(packed[at : at + _ADDRESS] for at in range(0, len(packed), _ADDRESS))
