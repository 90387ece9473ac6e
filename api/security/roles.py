"""The six roles, what each may ask for, and who is asking."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member is; the names of the entity kinds on the chain (docs/formats/ledger.md), in lower case."""

    BANK = "bank"
    KEEPER = "keeper"
    INSURER = "insurer"
    DEPOSITOR = "depositor"
    INSPECTOR = "inspector"
    REGULATOR = "regulator"


class Scope(StrEnum):
    """What a token is for."""

    RECORDS = "records:read"
    READINGS = "readings:read"
    SUPERVISION = "supervision:read"
    NETWORK = "network:read"
    DRAFTS = "drafts:write"
    CONSENTS = "consents:write"
    OPERATIONS = "operations:write"
    WEBHOOKS = "webhooks:write"


_MEMBER = frozenset({Scope.RECORDS, Scope.READINGS, Scope.DRAFTS, Scope.CONSENTS, Scope.OPERATIONS, Scope.WEBHOOKS})
SCOPES: dict[Role, frozenset[Scope]] = {
    Role.BANK: _MEMBER | {Scope.NETWORK},
    Role.KEEPER: _MEMBER,
    Role.INSURER: _MEMBER,
    Role.DEPOSITOR: _MEMBER,
    Role.INSPECTOR: _MEMBER,
    Role.REGULATOR: frozenset({Scope.RECORDS, Scope.SUPERVISION, Scope.NETWORK, Scope.WEBHOOKS}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a program that acts for one member. `actor` is a stable, non-personal name for logs and limits."""

    entity: int
    role: Role
    actor: str
    display_name: str
    scopes: frozenset[Scope]
    session: str | None = None

    @property
    def is_regulator(self) -> bool:
        """Whether the member supervises: it sees structure and abnormal events, not business documents."""
        return self.role is Role.REGULATOR
