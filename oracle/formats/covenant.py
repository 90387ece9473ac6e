"""A covenant: what lender, borrower and oracles hold of a facility, of which the chain has the roots."""

from dataclasses import dataclass
from functools import cached_property

from eth_abi.abi import encode

from ledger_node import canonical_json
from ledger_node.bindings.structs import Facility
from ledger_node.canonical_json import JsonValue
from ledger_node.covers import MAX_RULES
from ledger_node.eip712 import Domain, digest
from ledger_node.hexvalues import data_hex
from ledger_node.merkle import PaddedTree
from oracle.formats import schema as schemas
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.opening import Opening
from oracle.formats.rule import Condition, Rule, rule_from_json, rule_to_json, rules_tree
from oracle.formats.schema import Schema
from oracle.formats.segment import MAX_TIME_MS

FORMAT = "cangdan/covenant/1"
MAX_INSTALMENTS, MAX_SCHEMAS, MAX_GRANTEES, MAX_ENTITY = 64, 64, 64, (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Instalment:
    """One payment: its number, the period it is for and its date in milliseconds, and the opening of its amount."""

    ordinal: int
    period_start_ms: int
    due_ms: int
    amount: Opening

    def leaf(self) -> bytes:
        """The data of its leaf: abi.encode(ordinal, periodStartMs, dueMs, amountHash)."""
        numbers = (self.ordinal, self.period_start_ms, self.due_ms)
        return b"".join(each.to_bytes(32, "big") for each in numbers) + self.amount.commitment


@dataclass(frozen=True)
class Covenant:
    """A facility with its terms, rules, schedule and schemas; `grantees` may read it besides lender and borrower."""

    lender: int
    borrower: int
    panel: int
    drafted_at: int
    terms: Opening
    rules: tuple[Rule, ...]
    names: tuple[str, ...]
    clauses: tuple[Opening, ...]
    schedule: tuple[Instalment, ...]
    schemas: tuple[Schema, ...]
    grantees: tuple[int, ...] = ()

    @cached_property
    def encoded(self) -> bytes:
        """The canonical JSON."""
        return canonical_json.dumps(to_json(self))

    @cached_property
    def rules_tree(self) -> PaddedTree:
        """The tree of rules."""
        return rules_tree(self.rules)

    @cached_property
    def schedule_tree(self) -> PaddedTree:
        """The tree of instalments."""
        return PaddedTree([each.leaf() for each in self.schedule])

    @property
    def readers(self) -> frozenset[int]:
        """The entities that may read it and what its schemas' devices say."""
        return frozenset({self.lender, self.borrower, *self.grantees})

    def facility(self, domain: Domain) -> bytes:
        """The id of the facility: the EIP-712 digest of its Facility under CreditBook's domain."""
        facility = Facility(
            lender=self.lender,
            borrower=self.borrower,
            panel=self.panel,
            rules=len(self.rules),
            instalments=len(self.schedule),
            terms_hash=self.terms.commitment,
            rules_root=self.rules_tree.root,
            schedule_root=self.schedule_tree.root,
            drafted_at=self.drafted_at,
        )
        return digest(domain, Facility.TYPE, facility.message())

    def instalment_at(self, slot: int) -> Instalment | None:
        """The instalment whose period holds an event time, or None."""
        return next((each for each in self.schedule if each.period_start_ms <= slot < each.due_ms), None)

    def deferral(self, instalment: Instalment) -> bytes:
        """The actionData of DEFER: abi.encode(ordinal, periodStartMs, dueMs, amountHash, proof)."""
        kinds = ["uint16", "uint64", "uint64", "bytes32", "bytes32[]"]
        head = (instalment.ordinal, instalment.period_start_ms, instalment.due_ms, instalment.amount.commitment)
        return bytes(encode(kinds, [*head, self.schedule_tree.proof(instalment.ordinal)]))


def parse(text: bytes) -> Covenant:
    """The covenant in canonical JSON. Raises FieldError or JsonError that names field and rule."""
    return from_json(canonical_json.loads(text, canonical=True))


def from_json(value: JsonValue) -> Covenant:
    """The covenant of a JSON value. Raises FieldError that names field and rule."""
    fields = Fields(value, "covenant")
    fields.word("format", str, [FORMAT])
    parties = fields.inner("facility")
    named = [_rule(each, n) for n, each in enumerate(objects(fields, "rules", MAX_RULES, fewest=1))]
    schedule = [_instalment(each, n) for n, each in enumerate(objects(fields, "schedule", MAX_INSTALMENTS, fewest=1))]
    listed = fields.items("schemas", MAX_SCHEMAS, fewest=1)
    covenant = Covenant(
        lender=parties.integer("lender", 1, MAX_ENTITY),
        borrower=parties.integer("borrower", 1, MAX_ENTITY),
        panel=parties.integer("panel", 0, (1 << 16) - 1),
        drafted_at=parties.integer("draftedAt", 0, MAX_TIME_MS),
        terms=_opening(fields.inner("terms")),
        rules=tuple(rule for _, _, rule in named),
        names=tuple(name for name, _, _ in named),
        clauses=tuple(clause for _, clause, _ in named),
        schedule=tuple(schedule),
        schemas=tuple(schemas.from_json(each, f"covenant.schemas[{n}]") for n, each in enumerate(listed)),
        grantees=fields.integers("grantees", 1, MAX_ENTITY, MAX_GRANTEES, optional=True),
    )
    parties.end()
    fields.end()
    _check(covenant)
    return covenant


def to_json(covenant: Covenant) -> JsonValue:
    """The JSON value; fields that have their default are left out."""
    value: dict[str, JsonValue] = {
        "format": FORMAT,
        "facility": {
            "lender": covenant.lender,
            "borrower": covenant.borrower,
            "panel": covenant.panel,
            "draftedAt": covenant.drafted_at,
        },
        "terms": _opening_json(covenant.terms),
        "rules": [
            {"name": name, "clause": _opening_json(clause), **rule_to_json(rule)}
            for name, clause, rule in zip(covenant.names, covenant.clauses, covenant.rules, strict=True)
        ],
        "schedule": [_instalment_json(each) for each in covenant.schedule],
        "schemas": [schemas.to_json(each) for each in covenant.schemas],
    }
    if covenant.grantees:
        value["grantees"] = list(covenant.grantees)
    return value


def _opening(fields: Fields) -> Opening:
    opening = Opening(fields.data("salt", 32), canonical_json.dumps(fields.take("content")))
    fields.end()
    return opening


def _opening_json(opening: Opening) -> dict[str, JsonValue]:
    return {"salt": data_hex(opening.salt), "content": canonical_json.loads(opening.text)}


def _rule(fields: Fields, index: int) -> tuple[str, Opening, Rule]:
    clause = _opening(fields.inner("clause"))
    name, rule = fields.text("name", 64), rule_from_json(fields, index, clause.commitment)
    fields.end()
    return name, clause, rule


def _instalment(fields: Fields, ordinal: int) -> Instalment:
    start, due = fields.integer("periodStartMs", 0, MAX_TIME_MS), fields.integer("dueMs", 0, MAX_TIME_MS)
    instalment = Instalment(ordinal, start, due, _opening(fields.inner("amount")))
    fields.end()
    if due <= start:
        raise FieldError(f"{fields.at('dueMs')}: must be after periodStartMs")
    return instalment


def _instalment_json(instalment: Instalment) -> JsonValue:
    return {
        "periodStartMs": instalment.period_start_ms,
        "dueMs": instalment.due_ms,
        "amount": _opening_json(instalment.amount),
    }


def _check(covenant: Covenant) -> None:
    known = {each.id: each for each in covenant.schemas}
    if len(known) != len(covenant.schemas):
        raise FieldError("covenant.schemas: a schema stands twice")
    for rule in covenant.rules:
        for number, condition in enumerate(rule.conditions):
            fault = _fault(condition, known.get(condition.schema))
            if fault is not None:
                raise FieldError(f"covenant.rules[{rule.index}].conditions[{number}].{fault}")


def _fault(condition: Condition, schema: Schema | None) -> str | None:
    if schema is None:
        return "schema: is none of the covenant's schemas"
    if schema.position(condition.subject, condition.metric) is None:
        return "metric: is none that the schema observes of this subject"
    if condition.period_ms != schema.period_ms:
        return "periodMs: must be the schema's, 0 for events"
    return None
