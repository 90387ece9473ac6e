"""Messages executed by our loop and by py-evm's, in the same state of accounts."""

from dataclasses import dataclass

import pytest
from eth.vm.forks.berlin.computation import BerlinComputation
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext

from ledger_node.embedded import machine
from ledger_node.embedded.machine import LedgerComputation
from ledger_node.embedded.store import Store
from ledger_node.embedded.values import Block, SealedBlock
from ledger_node.embedded.vm import child_header, genesis_block, open_state
from ledger_node.genesis import Genesis

CALLED, OTHER, SENDER = b"\x11" * 20, b"\x22" * 20, b"\x33" * 20
OWN = bytes.fromhex("01020310111213141516171819 1b1c 35 505152 5657 5b")
ADD, MUL, POP, MLOAD, MSTORE, SSTORE, JUMP, JUMPI, GAS, JUMPDEST = (
    bytes([op]) for op in (0x01, 0x02, 0x50, 0x51, 0x52, 0x55, 0x56, 0x57, 0x5A, 0x5B)
)
RETURN, REVERT, SELFDESTRUCT, STOP = bytes([0xF3]), bytes([0xFD]), bytes([0xFF]), bytes([0])
CALLS = {"call": 0xF1, "callcode": 0xF2, "delegatecall": 0xF4, "staticcall": 0xFA}
ENOUGH = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """A message to CALLED, and the code that the two accounts hold."""

    code: bytes
    other: bytes = STOP
    data: bytes = b""
    gas: int = ENOUGH
    static: bool = False
    create: bool = False
    value: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    error: str
    gas: int
    output: bytes
    logs: tuple
    refund: int
    deleted: frozenset
    storage: tuple
    root: bytes


@pytest.fixture(scope="module")
def execute(tmp_path_factory):
    """Executes a Run by a class of computations, each time in the same state of accounts."""
    store = Store(tmp_path_factory.mktemp("machine"))
    view = store.state()
    first = genesis_block(Genesis(1, SENDER), view)
    store.commit_block(SealedBlock(Block(first, b"", 0), ()), view)
    head = child_header(first, SENDER, 1000)

    def execute(kind, run):
        state = open_state(store.state(), head, 1, ())
        state.computation_class = kind
        for account, code in ((CALLED, b"" if run.create else run.code), (OTHER, run.other), (SENDER, b"")):
            state.set_code(account, code)
            state.set_balance(account, 10**18)
        state.set_storage(CALLED, 1, 5)
        state.lock_changes()
        message = Message(
            gas=run.gas,
            to=b"" if run.create else CALLED,
            sender=SENDER,
            value=run.value,
            data=run.data,
            code=run.code,
            is_static=run.static,
            create_address=b"\x44" * 20 if run.create else None,
        )
        apply = kind.apply_create_message if run.create else kind.apply_message
        done = apply(state, message, BaseTransactionContext(gas_price=0, origin=SENDER))
        storage = tuple(state.get_storage(account, slot) for account in (CALLED, OTHER) for slot in range(8))
        state.make_state_root()
        return Result(
            type(done.error).__name__ if done.is_error else "",
            done.get_gas_remaining(),
            bytes(done.output),
            done.get_log_entries(),
            done.get_gas_refund(),
            frozenset(done.get_accounts_for_deletion()),
            storage,
            state.state_root,
        )

    yield execute
    store.close()


@pytest.fixture
def agreed(execute, monkeypatch):
    """What both loops say of a Run, ours without traces and then with all that can be; jumps into push data alone have
    another name in py-evm.
    """

    def agreed(run):
        expected = execute(BerlinComputation, run)
        machine._kept_program.cache_clear()
        for visits in (10**9, 1):
            monkeypatch.setattr(machine, "VISITS", visits)
            found = execute(LedgerComputation, run)
            if found.error == "InvalidJumpDestination" and expected.error == "InvalidInstruction":
                expected = Result(found.error, *(getattr(expected, name) for name in Result.__slots__[1:]))
            assert found == expected, (visits, run)
        return found

    return agreed


def push(value, size=None):
    size = size or max(1, (value.bit_length() + 7) // 8)
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


def calling(op, gas, to, inputs=(0, 0), outputs=(0, 0), value=0):
    words = [gas, int.from_bytes(to, "big"), *([value] if op in (0xF1, 0xF2) else []), *inputs, *outputs]
    return b"".join(push(word) for word in reversed(words)) + bytes([op])


def returning(program):
    """The program, whose last word is returned."""
    return program + push(0) + MSTORE + push(32) + push(0) + RETURN


def storing(program, slot):
    return program + push(slot) + SSTORE
