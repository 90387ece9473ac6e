"""Taking covenants: only under the roots that the chain holds, whoever hands them in."""

from collections.abc import Callable, Mapping

from oracle.chain import Chain
from oracle.formats.covenant import Covenant
from oracle.store import Store


class CovenantRefused(ValueError):
    """A covenant is not taken; `code` is facility_unknown or roots_differ."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Covenants:
    """The covenants that an oracle holds."""

    def __init__(self, chain: Chain, store: Store, learned: Callable[[], None]) -> None:
        """`learned` is called after a covenant was added."""
        self._chain = chain
        self._store = store
        self._learned = learned
        self._known: Mapping[bytes, Covenant] = store.covenants()

    @property
    def known(self) -> Mapping[bytes, Covenant]:
        """The covenants, by facility."""
        return self._known

    def accept(self, covenant: Covenant) -> tuple[bytes, bool]:
        """Keeps a covenant: its facility, and whether it is new. Raises CovenantRefused, ChainUnavailable."""
        facility = covenant.facility(self._chain.credit_domain())
        roots = self._chain.facility(facility)
        if roots is None:
            raise CovenantRefused("facility_unknown", f"facility 0x{facility.hex()} is in no final block")
        if (roots.rules, roots.schedule) != (covenant.rules_tree.root, covenant.schedule_tree.root):
            raise CovenantRefused("roots_differ", f"facility 0x{facility.hex()} has other rules or another schedule")
        fresh = self._store.add_covenant(facility, covenant)
        self._known = self._store.covenants()
        self._learned()
        return facility, fresh
