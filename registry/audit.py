"""The audit: all state is rebuilt from the events alone and compared with what the chain's own storage says."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger_node.client import ChainClient
from ledger_node.hexvalues import data_hex
from registry.expectations import Difference, differences, expectations, oracle_set_code
from registry.items import Item, Key, Moment, Oracles
from registry.state import replay
from registry.transitions import Deployment, Event, decode_log

PAGE = 5000
"""How many blocks are asked for logs at once: what Besu allows."""
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Audit:
    """The result at a block: how much was compared, and every field that differs."""

    block: int
    block_hash: bytes
    events: int
    items: int
    slots: int
    differences: tuple[Difference, ...]


def audit(
    client: ChainClient,
    deployment: Deployment,
    first: int = 0,
    block: int | None = None,
    tell: Tell = lambda done, total, text: None,
) -> Audit:
    """Replays the events of blocks `first` to `block` (the newest by default) and compares every slot they determine.

    Raises StateError and the like when the events contradict each other, and what ChainClient raises.
    """
    view = client.block("latest" if block is None else block)
    number = view.header.number
    state, count = rebuild(client, deployment, first, number, tell)
    found: list[Difference] = []
    wanted = list(expectations(state, deployment))
    for at, each in enumerate(wanted):
        observed = client.storage(deployment.addresses[each.contract], each.slot, number)
        found += differences(each, observed)
        tell(at + 1, len(wanted), "slots compared")
    for item in state.values():
        if isinstance(item, Oracles):
            found += _data_contract(client, item, number)
    return Audit(number, view.hash, count, len(state), len(wanted), tuple(found))


def rebuild(
    client: ChainClient,
    deployment: Deployment,
    first: int,
    last: int,
    tell: Tell = lambda done, total, text: None,
) -> tuple[dict[Key, Item], int]:
    """The state that the events of these blocks add up to, and how many events there were."""
    events: list[Event] = []
    times: dict[int, int] = {}
    addresses = tuple(deployment.addresses.values())
    for start in range(first, last + 1, PAGE):
        end = min(start + PAGE - 1, last)
        for log in client.logs(start, end, addresses):
            if log.block_number not in times:
                times[log.block_number] = client.block(log.block_number).header.timestamp
            event = decode_log(log, Moment(log.block_number, times[log.block_number]), deployment)
            if event is not None:
                events.append(event)
        tell(end - first + 1, last - first + 1, "blocks read")
    return replay(events, deployment), len(events)


def _data_contract(client: ChainClient, oracles: Oracles, block: int) -> list[Difference]:
    code, expected = client.code(oracles.data, block), oracle_set_code(oracles)
    if code == expected:
        return []
    name = f"oracles {oracles.epoch}"
    return [Difference("AttestationHub", name, "data contract", data_hex(expected), data_hex(code))]
