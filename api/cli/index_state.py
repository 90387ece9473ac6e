"""What the running indexer says of itself, for `cangdan status`."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from ledger_node.monitoring import READY
from registry.index.estimate import duration

TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far the index is: its last block, the node's newest, percent of the chain; rate and time left while known.

    `heads`: "subscribed" when the node tells its new blocks, "polling" when it is asked.
    """

    block: int | None
    head: int | None
    heads: str
    percent: int | None
    blocks_per_second: int | None
    seconds_left: int | None
    cause: str | None

    @property
    def text(self) -> str:
        """In one line."""
        if self.block is None:
            return f"{self.cause or 'has not begun'}; {self.heads}"
        parts = [f"at block {self.block} of {self.head}", f"{self.percent} %"]
        if self.seconds_left:
            parts += [f"{self.blocks_per_second} blocks/s", f"{duration(self.seconds_left)} left"]
        return f"{', '.join(parts)}; {self.heads}"


def index_state(host: str, port: int) -> IndexState | None:
    """What the indexer at an address says; None when nothing is said there, or what is no state of an index."""
    try:
        told = httpx.get(f"http://{host}:{port}{READY}", timeout=TIMEOUT_SECONDS).json()
    except (httpx.HTTPError, ValueError):
        return None
    if not isinstance(told, Mapping) or not isinstance(told.get("heads"), str):
        return None
    return IndexState(
        block=_number(told, "block"),
        head=_number(told, "head"),
        heads=told["heads"],
        percent=_number(told, "percent"),
        blocks_per_second=_number(told, "blocksPerSecond"),
        seconds_left=_number(told, "secondsLeft"),
        cause=str(told["cause"]) if told.get("cause") else None,
    )


def _number(told: Mapping[str, object], name: str) -> int | None:
    value = told.get(name)
    return value if isinstance(value, int) else None
