"""What happened on the chain, for one member: the index's notices that the member may see, told without contents."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.records.events import EVENTS
from api.records.sight import Sight
from api.security.roles import Principal
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from oracle.formats.rule import Action
from registry import structs
from registry.index.codec import decode
from registry.index.notices import REFUSED
from registry.index.queries import BlockRef, Index, NoticeRow
from registry.index.refusals import Refusal
from registry.items import Key, Kind

_RULE_ACTS = frozenset({"facility.hold", "facility.defer", "facility.note"})
_COUNTED = (Kind.ENTITY, Kind.FLEET, Kind.PANEL, Kind.ORACLES)
_PATHS = {
    "receipt": "receipts",
    "facility": "facilities",
    "review": "reviews",
    "cover": "covers",
    "entity": "entities",
}


@dataclass(frozen=True, slots=True)
class News:
    """One event that a member may know of: the record that it is about, where it stands, and a few facts."""

    event: str
    kind: str
    id: str
    block: BlockRef
    position: int
    facts: Mapping[str, JsonValue]

    def body(self, *, final: bool) -> dict[str, JsonValue]:
        """What is told of it: structure only; names, amounts and documents stay with who may read the record."""
        block: dict[str, JsonValue] = {"number": self.block.number, "hash": data_hex(self.block.hash)}
        return {
            "block": {**block, "time": self.block.time, "final": final},
            "position": self.position,
            "record": {"kind": self.kind, "id": self.id},
            "facts": dict(self.facts),
            "link": self._link(),
        }

    def _link(self) -> str:
        at = f"as_of_block={self.block.number}"
        if self.kind in _PATHS:
            return f"/v1/{_PATHS[self.kind]}/{self.id}?{at}"
        lists = {"refusal": "refusals", "round": "rounds", "fleet": "devices"}
        return f"/v1/{lists.get(self.kind, 'entities')}?{at}"


def news_of(index: Index, row: NoticeRow, principal: Principal) -> News | None:
    """The notice as the member may know of it at its block; None for one that is not the member's to see."""
    if row.event not in EVENTS:
        return None
    snapshot = index.as_of(row.at.block)
    if not _sees(Sight(principal, snapshot), row):
        return None
    kind, id_ = _record(row)
    return News(row.event, kind, id_, snapshot.block, row.position, _facts(row))


def _sees(sight: Sight, row: NoticeRow) -> bool:
    if row.event == REFUSED:
        return sight.sees_refusal(decode(Refusal, row.body))
    if row.kind == Kind.FLEET:
        return any(fleet.id == row.key for fleet in sight.fleets())
    return sight.sees_key(Key(Kind(row.kind), row.key))


def _record(row: NoticeRow) -> tuple[str, str]:
    """Kind and identifier as the interface names them: entities and what is counted by number."""
    if row.kind == Kind.FIRING:
        return "facility", data_hex(row.key[:32])
    if row.kind in _COUNTED:
        return row.kind, str(int.from_bytes(row.key, "big"))
    return row.kind, data_hex(row.key)


def _facts(row: NoticeRow) -> dict[str, JsonValue]:
    if row.event in _RULE_ACTS:
        firing = decode(structs.Firing, row.body)
        return {"rule": firing.rule, "action": Action(firing.action).name.lower()}
    if row.event == "rule.fire":
        return {"facilitySeq": int.from_bytes(row.key[32:], "big")}
    if row.event == REFUSED:
        refusal = decode(Refusal, row.body)
        return {"contract": refusal.contract, "act": refusal.act, "cause": refusal.cause}
    return {}
