"""Who may read what: requests signed by an account, and the covenants that its entity is a party to."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger_node.hexvalues import data_hex
from oracle.clock import Clock
from oracle.formats.covenant import Covenant
from oracle.formats.requests import Scheme, requester
from oracle.formats.schema import Schema
from oracle.formats.signed import NoteRefused
from oracle.ports import Members


class AccessRefused(PermissionError):
    """The request is signed by nobody who may read this; the text says what is missing, not what is there."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: an oracle, which may read everything, or an entity."""

    entity: int | None

    def may_read(self, covenant: Covenant) -> bool:
        """Whether it is an oracle or a reader of the covenant."""
        return self.entity is None or self.entity in covenant.readers

    def schemas(self, covenants: Mapping[bytes, Covenant]) -> frozenset[bytes]:
        """The ids of the schemas that it may read the observations of."""
        return frozenset(
            schema.id for covenant in covenants.values() if self.may_read(covenant) for schema in covenant.schemas
        )

    def watched(self, covenants: Mapping[bytes, Covenant]) -> list[Schema]:
        """The schemas whose devices it is told of when they are silent: those that it may read, and its own fleet's."""
        return [
            schema
            for covenant in covenants.values()
            for schema in covenant.schemas
            if self.may_read(covenant) or schema.fleet_entity == self.entity
        ]

    def devices(self, covenants: Mapping[bytes, Covenant]) -> frozenset[bytes]:
        """The devices whose segments it may read."""
        readable = [covenant for covenant in covenants.values() if self.may_read(covenant)]
        return frozenset(device for covenant in readable for schema in covenant.schemas for device in schema.devices)

    def fleets(self, covenants: Mapping[bytes, Covenant]) -> frozenset[int]:
        """The entities whose fleets it may read."""
        readable = [covenant for covenant in covenants.values() if self.may_read(covenant)]
        return frozenset(schema.fleet_entity for covenant in readable for schema in covenant.schemas)


class Access:
    """Tells readers by their signed requests."""

    def __init__(self, origin: str, chain: Members, clock: Clock) -> None:
        """`origin` is the name of the log that this oracle serves."""
        self._origin = origin
        self._chain = chain
        self._clock = clock

    def oracle(self, authorization: str, target: str) -> None:
        """Refuses a request for a path with its query unless an oracle of the set in force has signed it.

        Raises AccessRefused, ChainUnavailable."""
        account = self._account(authorization, (Scheme.ORACLE,), target)
        if not self._chain.is_oracle(account):
            raise AccessRefused(f"{data_hex(account)} is not in the oracle set")

    def reader(self, authorization: str, target: str) -> Reader:
        """Who signed a request for a path with its query. Raises AccessRefused, ChainUnavailable."""
        account = self._account(authorization, tuple(Scheme), target)
        if self._chain.is_oracle(account):
            return Reader(None)
        entity = self._chain.entity_of(account)
        if entity is None:
            raise AccessRefused("the account acts for no entity")
        return Reader(entity)

    def _account(self, authorization: str, schemes: tuple[Scheme, ...], target: str) -> bytes:
        try:
            return requester(authorization, schemes, self._origin, target, self._clock.now_ms())
        except NoteRefused as error:
            raise AccessRefused(str(error)) from None
