"""The ledger's own instruction loop does what py-evm's does, on random programs and at the edges."""

import os
import random

import pytest
from eth.exceptions import InsufficientStack, InvalidInstruction, InvalidJumpDestination
from eth.vm.forks.berlin.computation import BerlinComputation

from ledger_node.embedded import machine
from ledger_node.embedded.machine import LedgerComputation
from ledger_node.hashing import keccak256
from ledger_node.secp256k1 import ORDER, sign65
from tests.ledger_node.embedded.machine_kit import (
    ADD,
    CALLED,
    CALLS,
    ENOUGH,
    GAS,
    JUMP,
    JUMPDEST,
    JUMPI,
    MLOAD,
    MSTORE,
    MUL,
    OTHER,
    OWN,
    RETURN,
    REVERT,
    SELFDESTRUCT,
    SSTORE,
    STOP,
    Run,
    calling,
    push,
    returning,
    storing,
)

PROGRAMS = 5000 if os.environ.get("CANGDAN_DEEP") else 300
BATCH = 100
REST = bytes.fromhex(
    "040506070809 0a0b 1a1d 20 303132333435363738393a3b3c3d3e3f 4041424344454647 53545558595a"
    "a0a1a2a3a4 f0f1f2f4f5fa f3fd00ff fe 5f 21"
)


# Refusals


@pytest.mark.parametrize("op", [*OWN.replace(JUMPDEST, b""), *range(0x80, 0xA0)])
def test_each_own_instruction_refuses_a_stack_one_word_too_short(agreed, op):
    moves = op - 0x7F if op < 0x90 else op - 0x8E
    computes = 1 if op in (0x15, 0x19, 0x35, 0x50, 0x51, 0x56) else 2
    for words in range(moves if op >= 0x80 else computes):
        assert agreed(Run(push(0) * words + bytes([op]))).error == "InsufficientStack"


@pytest.mark.parametrize("op", [*range(0x60, 0x90), 0x30, 0x5A])
def test_no_instruction_pushes_a_word_1025(agreed, op):
    assert agreed(Run(push(1) * 1023 + bytes([op]) + bytes(32))).error == ""
    assert agreed(Run(push(1) * 1024 + bytes([op]) + bytes(32))).error == "FullStack"


@pytest.mark.parametrize("op", [*OWN, *range(0x60, 0xA0)])
def test_one_gas_less_than_an_own_instruction_costs_is_out_of_gas(agreed, op):
    program = push(1) + push(5) + bytes([op]) + JUMPDEST if op in (0x56, 0x57) else push(64) * 17 + bytes([op])
    used = ENOUGH - agreed(Run(program)).gas
    assert agreed(Run(program, gas=used)).error == ""
    assert agreed(Run(program, gas=used - 1)).error == "OutOfGas"


@pytest.mark.parametrize("op", [0x01, 0x50, 0x51, 0x56, 0x60, 0x80, 0x90])
def test_lack_of_gas_is_named_before_what_else_is_wrong(agreed, op):
    assert agreed(Run(bytes([op]), gas=1)).error == "OutOfGas"
    assert agreed(Run(push(0xFFFF) + JUMP, gas=4)).error == "OutOfGas"
    assert agreed(Run(push(1) * 1024 + push(1), gas=3 * 1024)).error == "OutOfGas"


@pytest.mark.parametrize(
    "target", [0, 1, 4, 7, 8, 2**64, 2**256 - 1], ids=["push", "its data", "data", "end", "past it", "far", "farthest"]
)
@pytest.mark.parametrize("jump", [JUMP, JUMPI], ids=["JUMP", "JUMPI"])
def test_a_jump_goes_nowhere_but_to_a_jumpdest(agreed, jump, target):
    program = push(1) + push(target, 32) + jump
    assert agreed(Run(program)).error == "InvalidJumpDestination"


def test_a_jumpdest_in_push_data_is_none_and_has_geths_name(execute):
    run = Run(push(4) + JUMP + push(0x5B5B) + JUMPDEST)
    assert execute(LedgerComputation, run).error == InvalidJumpDestination.__name__
    assert execute(BerlinComputation, run).error == InvalidInstruction.__name__


def test_a_jumpdest_in_the_data_of_a_push_that_the_end_cuts_short_is_none(agreed):
    assert agreed(Run(push(4) + JUMP + bytes([0x7F]) + JUMPDEST * 3)).error == "InvalidJumpDestination"


def test_a_jump_back_is_found_after_a_jump_that_looked_further(agreed):
    program = push(5) + JUMP + JUMPDEST + STOP + JUMPDEST + push(3) + JUMP
    assert agreed(Run(program)).error == ""


@pytest.mark.parametrize("op", [0x5F, 0x21, 0x0C, 0xFE])
def test_an_unknown_instruction_is_invalid(agreed, op):
    assert agreed(Run(bytes([op]))).error == "InvalidInstruction"


def test_an_index_error_within_another_instruction_is_no_stack_underflow(execute, monkeypatch):
    def broken(computation):
        raise IndexError("a fault of the node")

    monkeypatch.setattr(LedgerComputation, "opcodes", {**LedgerComputation.opcodes, 0x20: broken})
    with pytest.raises(IndexError, match="a fault of the node"):
        execute(LedgerComputation, Run(bytes([0x20])))


@pytest.mark.parametrize("at", [2**20, 2**64, 2**256 - 1])
@pytest.mark.parametrize("op", [MLOAD, MSTORE, RETURN, REVERT])
def test_memory_that_no_gas_pays_for_is_not_made(agreed, op, at):
    assert agreed(Run(push(1) + push(at) + op, gas=60_000)).error == "OutOfGas"


@pytest.mark.parametrize("op", [SSTORE, SELFDESTRUCT, bytes([0xA0]), bytes([0xF0])])
def test_a_static_message_changes_nothing(agreed, op):
    assert agreed(Run(push(0) * 3 + op, static=True)).error == "WriteProtection"


# Effects


@pytest.mark.parametrize("size", range(1, 33))
def test_a_push_at_the_codes_end_is_filled_with_zeros(agreed, size):
    for given in {0, 1, size - 1, size}:
        assert agreed(Run(bytes([0x5F + size]) + b"\xff" * given)).error == ""
    given = b"\xab" * (size - 1)
    assert machine._Program(bytes([0x5F + size]) + given).pushes[0] == int.from_bytes(given + b"\0", "big")


@pytest.mark.parametrize("op", [RETURN, REVERT], ids=["RETURN", "REVERT"])
@pytest.mark.parametrize(("at", "size"), [(0, 0), (0, 1), (31, 2), (64, 100), (5000, 0), (1000, 3000)])
def test_memory_grows_for_what_is_returned(agreed, op, at, size):
    found = agreed(Run(push(2**255 + 7) + push(3) + MSTORE + push(size) + push(at) + op))
    assert len(found.output) == size
    assert found.error == ("" if op == RETURN else "Revert")


@pytest.mark.parametrize("at", [0, 1, 31, 32, 33, 1000])
def test_words_are_read_where_they_were_written_across_the_memorys_end(agreed, at):
    word = 0x0102 << 240 | 0xFE
    program = push(word) + push(at) + MSTORE + push(at) + MLOAD
    assert agreed(Run(returning(program))).output == word.to_bytes(32, "big")


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    "other",
    [
        returning(bytes([0x30, 0x33, 0x34]) + ADD + ADD),
        storing(push(9), 2),
        push(7) + push(0) + MSTORE + push(32) + push(0) + REVERT,
        b"\xfe",
        push(0) + JUMP,
        ADD,
        bytes([0x33]) + SELFDESTRUCT,
    ],
    ids=["return", "store", "revert", "invalid", "bad jump", "underflow", "selfdestruct"],
)
def test_a_message_to_another_contract_has_its_effects(agreed, kind, other):
    for gas in (0, 700, 30_000, 10**9):
        code = calling(CALLS[kind], gas, OTHER, (0, 5), (0, 40), value=3)
        copied = bytes([0x3D]) + push(0) + push(64) + bytes([0x3E])
        agreed(Run(storing(code, 3) + copied + returning(GAS + MUL), other, gas=100_000))
        agreed(Run(storing(code, 3) + copied + push(128) + push(0) + RETURN, other, gas=100_000))


@pytest.mark.parametrize("number", range(1, 11))
@pytest.mark.parametrize("gas", [10, 100_000])
def test_a_precompiled_contract_answers(agreed, number, gas):
    word = push(2**200 + 5) + push(0) + MSTORE
    code = calling(0xFA, gas, bytes([number]), (0, 64), (0, 64))
    agreed(Run(storing(word + code, 4) + push(64) + push(0) + RETURN))


@pytest.mark.parametrize("v", [26, 27, 28, 29, 2**255 + 27])
@pytest.mark.parametrize("r", [None, 0, 5, ORDER - 1, ORDER, 2**256 - 1])
@pytest.mark.parametrize("s", [None, 0, "high", ORDER - 1, ORDER])
def test_the_signer_is_recovered_as_by_py_evm_or_nobody(agreed, v, r, s):
    digest = keccak256(b"signed")
    signature = sign65(b"\x07" * 32, digest)
    good_r, good_s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    r = good_r if r is None else r
    s = good_s if s is None else ORDER - good_s if s == "high" else s
    words = b"".join(
        push(word) + push(at * 32) + MSTORE for at, word in enumerate((int.from_bytes(digest, "big"), v, r, s))
    )
    code = storing(calling(0xFA, 50_000, bytes(19) + b"\1", (0, 128), (256, 32)), 4) + storing(bytes([0x3D]), 5)
    agreed(Run(words + code + push(32) + push(256) + RETURN))


@pytest.mark.parametrize("size", [0, 31, 32, 63, 64, 65, 127, 128, 200])
@pytest.mark.parametrize("gas", [2_999, 3_000, 50_000])
def test_input_that_is_cut_short_is_filled_with_zeros_to_recover_from(agreed, size, gas):
    words = push(27) + push(32) + MSTORE + push(5) + push(64) + MSTORE + push(3) + push(96) + MSTORE
    code = storing(calling(0xFA, gas, bytes(19) + b"\1", (0, size), (256, 32)), 4) + storing(bytes([0x3D]), 5)
    agreed(Run(words + code + push(32) + push(256) + RETURN))


@pytest.mark.parametrize(
    "init", [returning(push(0x5B00) + JUMPDEST), b"", REVERT, push(0) + JUMP, b"\xfe", push(3) + JUMP]
)
@pytest.mark.parametrize("op", [0xF0, 0xF5], ids=["CREATE", "CREATE2"])
def test_a_contract_creates_another(agreed, op, init):
    word = int.from_bytes(init.ljust(32, b"\0"), "big")
    salt = push(5) if op == 0xF5 else b""
    program = push(word, 32) + push(0) + MSTORE + salt + push(len(init)) + push(0) + push(1) + bytes([op])
    agreed(Run(storing(program, 6) + storing(bytes([0x3D]), 7) + returning(GAS)))


@pytest.mark.parametrize(
    "init", [returning(push(0x600160005500)), returning(push(1) + JUMPDEST), push(0xC000) + push(0) + RETURN]
)
def test_a_message_that_creates_leaves_the_same_contract(agreed, init):
    for gas in (100, 6_000, ENOUGH, 20_000_000):
        agreed(Run(init, gas=gas, create=True, value=1))


@pytest.mark.parametrize("to", [CALLED, OTHER, b"\x55" * 20], ids=["itself", "another", "nobody"])
def test_a_contract_that_destroys_itself_ends_there(agreed, to):
    found = agreed(Run(push(int.from_bytes(to, "big")) + SELFDESTRUCT + b"\xfe"))
    assert found.deleted == {CALLED}


@pytest.mark.parametrize("kind", ["call", "delegatecall"])
def test_messages_nest_until_the_depth_limit_and_no_deeper(agreed, kind):
    gas = int.from_bytes(b"\xff" * 8, "big")
    code = calling(CALLS[kind], gas, CALLED).replace(push(gas), GAS)
    assert agreed(Run(storing(push(1) + push(0) + bytes([0x54]) + ADD, 0) + code, gas=10**15)).storage[0] == 1025


def test_long_code_that_creates_is_read_only_as_far_as_it_runs(agreed):
    found = agreed(Run(push(5) + JUMP + b"\xfe\xfe" + JUMPDEST + STOP + JUMPDEST * 200_000, create=True))
    assert found.error == ""


def test_long_code_is_not_kept():
    assert machine._program(bytes(24_577)) is not machine._program(bytes(24_577))
    assert machine._program(bytes(24_576)) is machine._program(bytes(24_576))


def test_an_address_that_the_machine_pushed_is_a_word_for_every_instruction(agreed):
    for op in (0x30, 0x32, 0x33, 0x41, 0x3D, 0x44, 0x46):
        agreed(Run(returning(bytes([op]) + push(2**256 - 1) + MUL)))
        agreed(Run(returning(bytes([op, 0x3F]) + bytes([0x19]))))


# Random programs


def random_program(choose):
    length = choose.randint(1, 120)
    words = (bytes(32), b"\xff" * 32, choose.randbytes(32), bytes(31) + bytes([choose.randrange(64)]))
    program = bytearray()
    for _ in range(choose.choice([2, 10, 16, 24])):
        program += bytes([0x7F]) + choose.choice(words)
    length += len(program)
    while len(program) < length:
        program += random_instruction(choose, length)
    return bytes(program[: len(program) - choose.choice([0, 0, 0, 1])])


def random_instruction(choose, length):
    kind = choose.random()
    if kind < 0.3:
        size = choose.choice([1, 1, 1, 2, 2, 4, 8, 20, 32])
        values = (
            choose.randbytes(1),
            bytes([choose.randrange(256)]),
            choose.randbytes(size),
            CALLED,
            OTHER,
            bytes(size),
        )
        return bytes([0x5F + size]) + choose.choice(values)[-size:].rjust(size, b"\0")
    if kind < 0.52:
        return bytes([choose.choice([0x80, 0x90]) + choose.choice([0, 0, 1, 2, 3, choose.randrange(16)])])
    if kind < 0.6:
        return bytes([0x61]) + choose.randrange(length).to_bytes(2, "big") + choose.choice([JUMP, JUMPI])
    if kind < 0.67:
        return JUMPDEST
    if kind < 0.72:
        to = choose.choice([OTHER, CALLED, bytes([choose.randrange(1, 10)])])
        return calling(choose.choice([*CALLS.values()]), choose.choice([0, 2000, 10**6]), to, (0, 36), (0, 40))
    return bytes([choose.choice(OWN if kind < 0.9 else REST)])


@pytest.mark.parametrize("seed", range(PROGRAMS // BATCH))
def test_random_programs_do_the_same_by_both_loops(agreed, seed):
    choose = random.Random(seed)
    ends = set()
    for _ in range(BATCH):
        run = Run(
            random_program(choose),
            random_program(choose),
            choose.randbytes(choose.choice([0, 4, 36, 100])),
            choose.choice([50, 500, 5000, 60_000, 200_000]),
            static=choose.random() < 0.1,
            create=choose.random() < 0.1,
            value=choose.choice([0, 0, 1]),
        )
        ends.add(agreed(run).error)
    assert {"", "OutOfGas", InsufficientStack.__name__} <= ends
