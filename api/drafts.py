"""Drafts at rest: the struct that is to be signed, who must sign, and what was signed so far."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, insert, select
from sqlalchemy.exc import IntegrityError

from api.acts.built import Built
from api.acts.kinds import STRUCTS, Act
from api.store.tables import APPROVALS, CONSENTS, DRAFTS, PARTIES
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex, read_data
from registry import structs
from registry.consents import Consent, message


@dataclass(frozen=True, slots=True)
class Signature:
    """One party's consent: 64 bytes (EIP-2098), the account that they recover to, who handed it in, when (ms)."""

    entity: int
    signature: bytes
    signer: bytes
    actor: str
    at: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted act. `id` is the digest that the parties sign; times are in ms.

    `documents` names the commitments that the struct holds; `approvals` are the people who agreed where two must.
    """

    id: bytes
    act: Act
    consent: Consent
    entity: int
    actor: str
    created: int
    parties: tuple[int, ...]
    required: int
    documents: Mapping[str, bytes]
    extras: Mapping[str, JsonValue]
    signatures: Mapping[int, Signature]
    approvals: frozenset[tuple[int, str]]

    @property
    def signing_order(self) -> tuple[int, ...] | None:
        """The parties whose signatures go into the call, in order; None while too few have signed."""
        signed = tuple(entity for entity in self.parties if entity in self.signatures)
        return signed[: self.required] if len(signed) >= self.required else None

    @property
    def missing(self) -> tuple[int, ...]:
        """The parties who have not signed, while a signature is still missing."""
        if self.signing_order is not None:
            return ()
        return tuple(entity for entity in self.parties if entity not in self.signatures)


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of one database."""

    engine: Engine

    def add(self, id_: bytes, act: Act, built: Built, entity: int, actor: str, now_ms: int) -> None:
        """Keep a draft; the same draft again changes nothing."""
        key = data_hex(id_)
        content = {
            "required": built.required,
            "documents": {name: data_hex(opening.commitment) for name, opening in built.openings.items()},
            "extras": dict(built.extras),
        }
        row = {
            "id": key,
            "act": act.value,
            "created_ms": now_ms,
            "entity": entity,
            "actor": actor,
            "fields": json.dumps(_to_json(built.consent)),
            "content": json.dumps(content),
        }
        parties = [
            {"draft": key, "entity": party, "position": position} for position, party in enumerate(built.parties)
        ]
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(DRAFTS).values(**row))
                connection.execute(insert(PARTIES), parties)
        except IntegrityError:
            return

    def get(self, id_: bytes) -> Draft | None:
        """The draft of a digest."""
        found = self._read(DRAFTS.c.id == data_hex(id_))
        return found[0] if found else None

    def of_party(self, entity: int, before: tuple[int, str] | None, limit: int) -> list[Draft]:
        """The drafts that an entity made or is a party of, newest first, from a place in that order on."""
        mine = select(PARTIES.c.draft).where(PARTIES.c.entity == entity)
        where = (DRAFTS.c.entity == entity) | DRAFTS.c.id.in_(mine)
        if before is not None:
            created, key = before
            where &= (DRAFTS.c.created_ms < created) | ((DRAFTS.c.created_ms == created) & (DRAFTS.c.id < key))
        return self._read(where, limit)

    def inspections(self, subject: bytes) -> list[Draft]:
        """The inspections of a subject, newest first."""
        of_it = DRAFTS.c.fields.contains(data_hex(subject), autoescape=True)
        found = self._read((DRAFTS.c.act == Act.INSPECTION.value) & of_it, 100)
        return [
            each for each in found if isinstance(each.consent, structs.Inspection) and each.consent.subject == subject
        ]

    def sign(self, id_: bytes, signature: Signature) -> bool:
        """Keep a consent; False when the party has signed already."""
        row = {
            "draft": data_hex(id_),
            "entity": signature.entity,
            "signature": signature.signature,
            "signer": signature.signer,
            "actor": signature.actor,
            "signed_ms": signature.at,
        }
        return self._insert(insert(CONSENTS).values(**row))

    def approve(self, id_: bytes, entity: int, actor: str, now_ms: int) -> bool:
        """Keep that a person agrees to the signing; False when that person had agreed already."""
        row = {"draft": data_hex(id_), "entity": entity, "actor": actor, "approved_ms": now_ms}
        return self._insert(insert(APPROVALS).values(**row))

    def unit_keys(self, receipt: bytes) -> tuple[bytes, ...] | None:
        """The unit keys of a receipt in the order that its parties signed, None when its draft was made elsewhere."""
        draft = self.get(receipt)
        if draft is None or draft.act is not Act.ISSUE:
            return None
        keys = draft.extras["unitKeys"]
        assert isinstance(keys, list)
        return tuple(read_data("unitKeys", key, 32) for key in keys)

    def consented(self, draft: bytes) -> Consent | None:
        """The struct of a draft."""
        found = self.get(draft)
        return found.consent if found else None

    def _insert(self, statement: Any) -> bool:
        try:
            with self.engine.begin() as connection:
                connection.execute(statement)
        except IntegrityError:
            return False
        return True

    def _read(self, where: Any, limit: int = 1) -> list[Draft]:
        query = select(DRAFTS).where(where).order_by(DRAFTS.c.created_ms.desc(), DRAFTS.c.id.desc()).limit(limit)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
            keys = [row.id for row in rows]
            parties = connection.execute(
                select(PARTIES).where(PARTIES.c.draft.in_(keys)).order_by(PARTIES.c.position)
            ).all()
            consents = connection.execute(select(CONSENTS).where(CONSENTS.c.draft.in_(keys))).all()
            approvals = connection.execute(select(APPROVALS).where(APPROVALS.c.draft.in_(keys))).all()
        return [_draft(row, parties, consents, approvals) for row in rows]


def _draft(
    row: Row[Any], parties: Sequence[Row[Any]], consents: Sequence[Row[Any]], approvals: Sequence[Row[Any]]
) -> Draft:
    act = Act(row.act)
    content = json.loads(row.content)
    return Draft(
        id=read_data("id", row.id, 32),
        act=act,
        consent=_from_json(STRUCTS[act], json.loads(row.fields)),
        entity=row.entity,
        actor=row.actor,
        created=row.created_ms,
        parties=tuple(each.entity for each in parties if each.draft == row.id),
        required=content["required"],
        documents={name: read_data(name, text, 32) for name, text in content["documents"].items()},
        extras=content["extras"],
        signatures={
            each.entity: Signature(each.entity, each.signature, each.signer, each.actor, each.signed_ms)
            for each in consents
            if each.draft == row.id
        },
        approvals=frozenset((each.entity, each.actor) for each in approvals if each.draft == row.id),
    )


def _to_json(consent: Consent) -> dict[str, str]:
    return {
        name: data_hex(value) if isinstance(value, bytes) else str(value) for name, value in message(consent).items()
    }


def _from_json(struct: type[Consent], values: Mapping[str, str]) -> Consent:
    made: Any = struct
    read = [
        read_data(field.name, values[field.name]) if field.type == "bytes32" else int(values[field.name])
        for field in struct.TYPE.fields
    ]
    result: Consent = made(*read)
    return result
