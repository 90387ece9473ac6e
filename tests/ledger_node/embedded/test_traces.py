"""Traces at their edges: gas, stack and memory that just suffice or just do not, ways that part, limits of how many."""

import random

import pytest

from ledger_node.embedded import machine, traces
from ledger_node.embedded.machine import LedgerComputation
from tests.ledger_node.embedded.machine_kit import (
    GAS,
    JUMP,
    JUMPDEST,
    JUMPI,
    MLOAD,
    MSTORE,
    RETURN,
    SSTORE,
    STOP,
    Run,
    push,
    returning,
)

SHA3, CALLDATACOPY, CALLDATALOAD = b"\x20", b"\x37", b"\x35"
EVERYTHING = (
    push(7) + push(64) + MSTORE + push(96) + MLOAD + push(40) + push(100) + SHA3 + push(70) + push(3) + push(130)
    + CALLDATACOPY + push(2) + CALLDATALOAD + GAS + bytes([0x01, 0x30, 0x33, 0x18, 0x03, 0x15, 0x50])
)  # fmt: skip
"""Instructions of a trace that cost by the memory that they reach, and others."""


@pytest.mark.parametrize("gas", range(210))
def test_gas_ends_at_the_same_instruction(agreed, gas):
    agreed(Run(EVERYTHING + STOP, data=b"\x05" * 90, gas=gas))


@pytest.mark.parametrize("words", range(1016, 1030))
def test_the_stack_ends_at_1024_words(agreed, words):
    assert agreed(Run(push(1) * words + STOP)).error == ("" if words <= 1024 else "FullStack")


@pytest.mark.parametrize("words", range(5))
def test_the_stack_begins_empty(agreed, words):
    taken = bytes([0x01, 0x02, 0x03])
    assert agreed(Run(push(1) * words + taken + STOP)).error == ("" if words == 4 else "InsufficientStack")


@pytest.mark.parametrize("size", [0, 1, 32])
@pytest.mark.parametrize("at", [2**20, 2**64, 2**256 - 1])
def test_memory_that_no_gas_pays_for_is_not_made(agreed, at, size):
    for program in (push(size) + push(at) + SHA3, push(size) + push(0) + push(at) + CALLDATACOPY):
        assert agreed(Run(program + STOP, gas=60_000)).error == ("OutOfGas" if size else "")


@pytest.mark.parametrize("target", [3, 10, 11, 12, 2**256 - 1])
@pytest.mark.parametrize("jump", [JUMP, JUMPI], ids=["JUMP", "JUMPI"])
def test_a_jump_to_what_the_data_says_goes_nowhere_but_to_a_jumpdest(agreed, jump, target):
    program = push(1) + push(0) + CALLDATALOAD + jump + push(1) + push(2) + JUMPDEST + STOP
    found = agreed(Run(program, data=target.to_bytes(32, "big")))
    assert found.error == ("" if target == program.index(JUMPDEST + STOP) else "InvalidJumpDestination")


def test_a_trace_that_followed_one_way_leaves_it_for_the_other(agreed, execute, monkeypatch):
    program = push(0) + CALLDATALOAD + push(9) + JUMPI + push(3) + JUMPDEST + GAS
    program = program.replace(push(9), push(program.index(JUMPDEST))) + push(0) + SSTORE + STOP
    for first, second in ((b"\1" * 32, b""), (b"", b"\1" * 32)):
        agreed(Run(program, data=first))
        monkeypatch.setattr(machine, "VISITS", 1)
        assert execute(LedgerComputation, Run(program, data=second)) == agreed(Run(program, data=second))


def test_a_way_that_comes_back_runs_as_often_as_it_should(agreed):
    loop = JUMPDEST + push(1) + bytes([0x90, 0x03, 0x80]) + push(2) + JUMPI
    program = push(5) + loop + returning(GAS)
    assert len(agreed(Run(program)).output) == 32


def test_no_more_traces_are_kept_than_the_limit(agreed, monkeypatch):
    monkeypatch.setattr(machine, "MAX_TRACES", 3)
    program = b"".join(push(1) + push(2) + bytes([0x01, 0x50, 0x5A, 0x50, 0x32, 0x50]) for _ in range(20))
    agreed(Run(program + STOP))
    assert machine._Program.made <= 3


def test_a_way_too_short_to_be_worth_it_gets_no_trace():
    assert traces.trace_at(machine._Program(push(1) + STOP), 0) is None


# Random programs that stay within the stack and come back


COMPUTE = [*traces.BINARY, *traces.COMPARISONS, 0x15, 0x19]
NUMBERS = (0, 1, 31, 32, 33, 255, 256, 2**64, 2**255, 2**256 - 1)


def block(choose):
    """Instructions of a trace, mostly, with small addresses."""
    made = bytearray()
    for _ in range(choose.randint(2, 14)):
        kind = choose.random()
        if kind < 0.2:
            made += push(choose.choice((*NUMBERS, choose.getrandbits(256))))
        elif kind < 0.5:
            made += bytes([choose.choice([0x80, 0x90]) + choose.randrange(10)])
        elif kind < 0.75:
            made += bytes([choose.choice(COMPUTE)])
        elif kind < 0.85:
            made += bytes([choose.choice([*traces._CONTEXT, 0x5A, 0x32, 0x59, 0x50, 0x35])])
        elif kind < 0.92:
            made += push(0x1FF) + bytes([0x16]) + choose.choice([MLOAD, MSTORE])
        elif kind < 0.96:
            made += push(choose.choice([0, 1, 64, 77])) + push(choose.randrange(300)) + SHA3
        else:
            size, at, to = choose.choice([0, 1, 77]), choose.randrange(100), choose.randrange(300)
            made += push(size) + push(at) + push(to) + CALLDATACOPY
    return bytes(made)


def looping_program(choose):
    """Blocks with jumps forward, run a few times over; memory and gas are what it returns."""
    words = choose.choice([2, 14, 24])
    code = bytearray(b"".join(push(choose.choice((*NUMBERS, choose.getrandbits(256)))) for _ in range(words)))
    code += push(choose.randint(1, 4)) + push(0x400) + MSTORE
    start, holes = len(code), []
    for _ in range(choose.randint(2, 8)):
        code += JUMPDEST + block(choose)
        code += choose.choice([b"", bytes([0x80, 0x15]), push(1) + bytes([0x16])])
        if choose.random() < 0.7:
            holes.append((len(code) + 1, len(code)))
            code += b"\x61\0\0" + choose.choice([JUMP, JUMPI, JUMPI])
    targets = [place for place in range(start, len(code)) if code[place] == JUMPDEST[0]] + [len(code)]
    for hole, place in holes:
        target = choose.choice([each for each in targets if each > place])
        code[hole : hole + 2] = target.to_bytes(2, "big")
    code += JUMPDEST + push(0x400) + MLOAD + push(1) + bytes([0x90, 0x03, 0x80]) + push(0x400) + MSTORE
    code += b"\x61" + start.to_bytes(2, "big") + JUMPI + GAS + push(0x420) + MSTORE
    return bytes(code) + push(0x600) + push(0) + RETURN


@pytest.mark.parametrize("seed", range(2))
def test_random_programs_that_come_back_do_the_same_by_both_loops(agreed, seed):
    choose = random.Random(seed)
    ends = set()
    for _ in range(40):
        data = choose.randbytes(choose.choice([0, 4, 36, 100, 200]))
        run = Run(looping_program(choose), data=data, gas=choose.choice([500, 3000, 9000, 60_000, 200_000]))
        ends.add(agreed(run).error)
    assert {"", "OutOfGas", "InsufficientStack"} <= ends
