"""Opening the index for a request: as of which block, how final, through whose eyes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from api.problems import FieldError, ProblemError
from api.records.papers import Papers
from api.records.sight import Sight
from api.security.roles import Principal
from api.services import services_of
from api.times import milliseconds
from registry.index.pages import CursorError
from registry.index.queries import BlockRef, Index, Snapshot, UnknownBlock


@dataclass(frozen=True, slots=True)
class AsOf:
    """The state that a request is about. `past`: the asker chose a block before the last one."""

    snapshot: Snapshot
    final: bool
    past: bool

    @property
    def block(self) -> BlockRef:
        """The block that answers are true at."""
        return self.snapshot.block


def as_of(
    request: Request,
    as_of_block: Annotated[int | None, Query(ge=0, description="the number of a block")] = None,
    as_of_time: Annotated[str | None, Query(description="RFC 3339: the last block up to then")] = None,
) -> AsOf:
    """The state asked for, by default the newest. Raises ProblemError block-unknown, index-unavailable."""
    services = services_of(request)
    if as_of_block is not None and as_of_time is not None:
        raise _invalid("as_of_block", "give a block or a time, not both")
    index = services.index
    final = index.final(services.finality)
    head = newest(index).block
    try:
        number = _number(index, as_of_block, as_of_time)
        snapshot = index.as_of(number)
    except UnknownBlock as error:
        raise ProblemError("block-unknown", str(error)) from None
    return AsOf(snapshot, snapshot.block.number <= final, past=number is not None and number != head.number)


def newest(index: Index) -> Snapshot:
    """The newest state of the index. Raises ProblemError index-unavailable."""
    try:
        return index.as_of()
    except UnknownBlock:
        raise ProblemError("index-unavailable", "the index has no block yet", headers={"Retry-After": "2"}) from None


def sight(principal: Principal, state: AsOf) -> Sight:
    """The state through a member's eyes."""
    return Sight(principal, state.snapshot)


def papers(request: Request, principal: Principal) -> Papers:
    """The documents of a member."""
    drafting = services_of(request).drafting
    return Papers(principal.entity, drafting.shelves, drafting.drafts)


def bad_cursor(error: CursorError) -> ProblemError:
    """The problem that a cursor or a page size is not one of the list."""
    name, _, rule = str(error).partition(": ")
    return _invalid(name, rule)


def _number(index: Index, block: int | None, time: str | None) -> int | None:
    if time is None:
        return block
    try:
        return index.block_at(milliseconds(time) // 1000).number
    except ValueError as error:
        raise _invalid("as_of_time", str(error)) from None


def _invalid(name: str, rule: str) -> ProblemError:
    return ProblemError("invalid-request", f"{name}: {rule}", [FieldError(rule, parameter=name)])


State = Annotated[AsOf, Depends(as_of)]
