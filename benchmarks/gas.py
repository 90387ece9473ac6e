"""Gas of acts that are really executed, beside the least that their effects cost, and beside a peer's published gas.

The floor of an act is what the chain charges for its effects, with nothing for computing them: 21,000, calldata, each
signature checked, each storage slot read or changed, each log left (Yellow Paper G, EIP-2028, EIP-2929).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eth_typing import Address

from benchmarks.acts import Act, acts
from benchmarks.consortium import BenchmarkError, Consortium, found
from benchmarks.result import Result, Sizes
from ledger_node.embedded.vm import Outcome, apply_transaction, child_header, decode_transaction, open_state

BASE, ZERO_BYTE, BYTE = 21_000, 4, 16
SIGNATURE = 3_000
COLD_READ, NEW_SLOT, CHANGED_SLOT, CLEARED_REFUND = 2_100, 22_100, 5_000, 15_000
"""Of a slot that the transaction had not touched; the refund is Berlin's, at most half of all gas."""
LOG, LOG_TOPIC, LOG_BYTE = 375, 375, 8
TRADETRUST = "TradeTrust token-registry 5.5.1, gas as it publishes it, empty remark"
PEERS = {
    "issue": ("mint", 291_900),
    "pledge": ("transfer of the holder, first", 77_845),
    "release": ("transfer of the holder, again", 60_745),
    "deliver": ("surrender and burn", 98_935 + 103_500),
}
"""The nearest acts there; theirs check no consents but the sender's."""

Slots = dict[tuple[Address, int], tuple[int, int]]
"""Contract and slot: the value before and after."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Gas that an act used, and its floor."""

    gas: int
    floor: int


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Each act once; gas has no noise."""
    made = found(folder / "gas")
    try:
        for act in acts(made):
            measured = measure(made, act)
            against = f"the floor: 21,000, calldata, {act.signatures} signatures, the slots and logs that it touches"
            yield Result(f"gas.{act.name}", act.what, measured.gas, "gas", against, measured.floor)
            if act.name in PEERS:
                there, published = PEERS[act.name]
                against = f"{there} of {TRADETRUST}"
                yield Result(f"gas.{act.name}.tradetrust", act.what, measured.gas, "gas", against, published)
    finally:
        made.chain.close()


def measure(made: Consortium, act: Act) -> Measured:
    """Executes an act once on a view of the newest state, to see what it touches, and then for good."""
    slots, outcome = _touched(made, act)
    gas = made.send_data(act.sender, act.contract, act.data).gas_used
    if outcome.gas_used != gas:
        raise BenchmarkError(f"{act.name}: used {outcome.gas_used} gas when it was tried, and {gas} when it was sent")
    return Measured(gas, floor(act.data, act.signatures, slots, outcome))


def floor(data: bytes, signatures: int, slots: Slots, outcome: Outcome) -> int:
    """The least gas of a call with these effects."""
    zeros = data.count(0)
    gas = BASE + ZERO_BYTE * zeros + BYTE * (len(data) - zeros) + SIGNATURE * signatures
    gas += sum(_slot(*values) for values in slots.values())
    for log in outcome.receipt.logs:
        gas += LOG + LOG_TOPIC * len(log.topics) + LOG_BYTE * len(log.data)
    cleared = sum(1 for before, after in slots.values() if before and not after)
    return gas - min(CLEARED_REFUND * cleared, gas // 2)


def _slot(before: int, after: int) -> int:
    if before == after:
        return COLD_READ
    return CHANGED_SLOT if before else NEW_SLOT


def _touched(made: Consortium, act: Act) -> tuple[Slots, Outcome]:
    store, head = made.chain.store, made.chain.head.header
    header = child_header(head, head.coinbase, max(head.timestamp, int(time.time())))
    state = open_state(store.state(), header, made.deployment.chain_id, store.hashes_before(header.block_number))
    before: dict[tuple[Address, int], int] = {}
    mark = state.mark_storage_warm

    def note(address: Address, slot: int) -> None:
        before[address, slot] = state.get_storage(address, slot, from_journal=False)
        mark(address, slot)

    state.mark_storage_warm = note  # type: ignore[method-assign]
    raw = act.sender.sign_transaction(made.transaction(act.sender, act.contract, act.data))
    outcome = apply_transaction(state, 0, decode_transaction(raw))
    return {key: (value, state.get_storage(*key)) for key, value in before.items()}, outcome
