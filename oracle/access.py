"""Who may read what: requests signed by an account, and the covenants that its entity is a party to."""

from collections.abc import Mapping
from dataclasses import dataclass

from oracle.chain import Chain
from oracle.clock import Clock
from oracle.formats.covenant import Covenant
from oracle.formats.requests import Scheme, requester
from oracle.formats.signed import NoteRefused


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

    def __init__(self, origin: str, chain: Chain, clock: Clock) -> None:
        """`origin` is the name of the log that this oracle serves."""
        self._origin = origin
        self._chain = chain
        self._clock = clock

    def reader(self, authorization: str, target: str) -> Reader:
        """Who signed a GET request for a path with its query. Raises AccessRefused, ChainUnavailable."""
        try:
            account = requester(authorization, tuple(Scheme), self._origin, target, self._clock.now_ms())
        except NoteRefused as error:
            raise AccessRefused(str(error)) from None
        if self._chain.config().position(account) is not None:
            return Reader(None)
        entity = self._chain.entity_of(account)
        if entity is None:
            raise AccessRefused("the account acts for no entity")
        return Reader(entity)
