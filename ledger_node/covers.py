"""Which rules claim under an insurance cover, and when: the pure twin of CoverBook's check (docs/formats/ledger.md)."""

from ledger_node.bindings.structs import Cover

MAX_RULES = 32
"""A facility's rules at most: a bit each in `Cover.rules`."""


def rules_of(cover: Cover) -> list[int]:
    """The indices of the rules that claim under a cover, ascending."""
    return [rule for rule in range(MAX_RULES) if cover.rules >> rule & 1]


def is_covered(cover: Cover, rule: int, slot_ms: int) -> bool:
    """Whether a rule that acts at a slot claims under a cover: the cover names it and is in force then."""
    return bool(cover.rules >> rule & 1) and cover.start <= slot_ms < cover.end
