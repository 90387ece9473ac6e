"""The machine's loop: py-evm's computation with the commonest instructions done in place, on integers only.

Most instructions that contracts execute are pushes, stack moves, jumps and small arithmetic, and py-evm spends most of
its time on the calls around each. Here they cost a few bytecodes, and where code runs often almost nothing (`traces`);
all others are py-evm's own. Gas, memory, effects and errors are the same (Yellow Paper H, Berlin), but for a jump into
push data: InvalidJumpDestination, as geth says.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from math import inf
from time import thread_time
from types import MappingProxyType
from typing import Any, ClassVar

from coincurve import PublicKey
from eth.abc import ComputationAPI, MessageAPI, StateAPI, TransactionContextAPI
from eth.constants import GAS_ECRECOVER
from eth.exceptions import FullStack, Halt, InsufficientStack, InvalidJumpDestination, OutOfGas, VMError
from eth.vm.forks.berlin.computation import BERLIN_PRECOMPILES, BerlinComputation
from eth.vm.logic.invalid import InvalidOpcode
from eth.vm.stack import to_int
from eth_typing import Address

from ledger_node.embedded.errors import TakesTooLong
from ledger_node.embedded.traces import BINARY, COMPARISONS, Trace, trace_at
from ledger_node.hashing import keccak256
from ledger_node.secp256k1 import ORDER

_MASK = (1 << 256) - 1
_LIMIT = 1023
_CODE_LIMIT = 24_576
"""Bytes of a deployed contract (EIP-170); longer code runs once, to create one."""
_JUMP, _JUMPI, _JUMPDEST, _PUSH1, _PUSH32 = 0x56, 0x57, 0x5B, 0x60, 0x7F
_BINARY: dict[int, tuple[int, Callable[[int, int], int]]] = {
    op: (gas, eval(f"lambda a, b: {'int' if op in COMPARISONS else ''}({text.format(a='a', b='b')})"))
    for op, (gas, text) in (BINARY | COMPARISONS).items()
}
"""Gas and result of instructions that take two words; `a` was on top."""
VISITS = 50
"""A trace is made when a place was come to so often: what ran there then took about as long as making it takes, so
that code made for the purpose can at most double the time it takes.
"""
MAX_TRACES = 4_096
"""Of all kept programs; some 10 KB each."""


MAX_PAIRS = 12
"""Of points in one pairing (EIP-197), some half a second each."""
MAX_ROUNDS = 300_000
"""Of one BLAKE2 compression (EIP-152)."""


class _Pushes(dict[int, int]):
    """The word that the push at a place of the code leaves; read when it is first wanted."""

    def __init__(self, code: bytes) -> None:
        super().__init__()
        self._code = code

    def __missing__(self, place: int) -> int:
        word = int.from_bytes(self._code[place + 1 : place + self._code[place] - 0x5E], "big")
        self[place] = word
        return word


class _Program:
    """Code with what follows from it alone, found out no sooner than asked for.

    Code that is created costs no gas by its length, so that nothing here may take time or memory by it.
    """

    made: ClassVar[int] = 0
    """Traces made since the kept programs were last dropped."""

    def __init__(self, code: bytes) -> None:
        # What is past the end is STOP, and zeros for a push that the end cuts short.
        self.code = code + bytes(34)
        self.pushes = _Pushes(self.code)
        self.targets: set[int] = set()
        self.taken: dict[int, bool] = {}
        self.visits: dict[int, int] = {}
        self.traces: dict[int, Trace | None] = {}
        """By where they begin; None where none is worth it."""
        self._end, self._place = len(code), 0

    def has(self, target: int) -> bool:
        """Whether a jump may go to `target`: not into push data. Then `targets` holds all up to it."""
        code, place, end = self.code, self._place, min(self._end, target + 1)
        while place < end:
            instruction = code[place]
            if instruction == _JUMPDEST:
                self.targets.add(place)
            place += instruction - 0x5E if _PUSH1 <= instruction <= _PUSH32 else 1
        self._place = place
        return target in self.targets

    def find(self, target: int, gas: int) -> int:
        """The target of a jump. Raises VMError when it may not go there."""
        if not self.has(target):
            raise _failure(gas, InvalidJumpDestination(f"{target} is no jump destination"))
        return target

    def visit(self, place: int) -> Trace | None:
        """Count that execution came to `place`, where there is no trace yet; the trace, once it is time to make it."""
        count = self.visits[place] = self.visits.get(place, 0) + 1
        if count < VISITS:
            return None
        if _Program.made >= MAX_TRACES:
            _kept_program.cache_clear()
            _Program.made = 0
        _Program.made += 1
        trace = self.traces[place] = trace_at(self, place)
        return trace


_kept_program = lru_cache(maxsize=128)(_Program)


def _program(code: bytes) -> _Program:
    return _kept_program(code) if len(code) <= _CODE_LIMIT else _Program(code)


def _iszero(computation: ComputationAPI) -> None:
    values = _charged(computation, 3, 1)._stack.values
    values[-1] = 0 if values[-1] else 1


def _not(computation: ComputationAPI) -> None:
    values = _charged(computation, 3, 1)._stack.values
    values[-1] ^= _MASK


def _pop(computation: ComputationAPI) -> None:
    _charged(computation, 2, 1)._stack.values.pop()


def _calldataload(computation: ComputationAPI) -> None:
    values = _charged(computation, 3, 1)._stack.values
    at = values.pop()
    values.append(int.from_bytes(computation.msg.data_as_bytes[at : at + 32].ljust(32, b"\0"), "big"))


def _mload(computation: ComputationAPI) -> None:
    machine = _charged(computation, 3, 1)
    values, at = machine._stack.values, machine._stack.values.pop()
    if at + 32 > len(machine._memory._bytes):
        machine.extend_memory(at, 32)
    values.append(int.from_bytes(machine._memory._bytes[at : at + 32], "big"))


def _mstore(computation: ComputationAPI) -> None:
    machine = _charged(computation, 3, 2)
    values = machine._stack.values
    at, value = values.pop(), values.pop()
    if at + 32 > len(machine._memory._bytes):
        machine.extend_memory(at, 32)
    machine._memory._bytes[at : at + 32] = value.to_bytes(32, "big")


def _charged(computation: ComputationAPI, gas: int, words: int) -> Any:
    """The computation, whose stack holds integers only and no fewer than `words`, less some gas."""
    machine: Any = computation
    meter = machine._gas_meter
    if gas > meter.gas_remaining:
        raise OutOfGas("out of gas")
    meter.gas_remaining -= gas
    if len(machine._stack.values) < words:
        raise InsufficientStack("stack underflow")
    return machine


def _failure(gas: int, error: VMError) -> VMError:
    """Why an instruction failed: lack of gas comes before all else, as in py-evm."""
    return error if gas >= 0 else OutOfGas("out of gas")


def _ecrecover(computation: ComputationAPI) -> None:
    """The precompiled contract 1 (Yellow Paper E.1): the signer's address, or nothing when there is none."""
    computation.consume_gas(GAS_ECRECOVER, "ecrecover")
    data = computation.msg.data_as_bytes[:128].ljust(128, b"\0")
    v, r, s = (int.from_bytes(data[at : at + 32], "big") for at in (32, 64, 96))
    if v in (27, 28) and 0 < r < ORDER and 0 < s < ORDER:
        with suppress(ValueError):
            public = PublicKey.from_signature_and_message(data[64:] + bytes([v - 27]), data[:32], hasher=None)
            computation.output = bytes(12) + keccak256(public.format(compressed=False)[1:])[12:]


_LEAN = {0x15: _iszero, 0x19: _not, 0x35: _calldataload, 0x50: _pop, 0x51: _mload, 0x52: _mstore}


def _bounded(number: int, what: Callable[[bytes], int], most: int) -> Callable[[ComputationAPI], Any]:
    """Precompiled contract `number`, unless it is asked for more than `most` at once where time is limited.

    In plain Python its gas buys minutes of work, and nothing can look at the clock within it.
    """
    contract: Callable[[ComputationAPI], Any] = BERLIN_PRECOMPILES[_address(number)]

    def run(computation: ComputationAPI) -> Any:
        if what(computation.msg.data_as_bytes) > most and computation.state.until < inf:  # type: ignore[attr-defined]
            raise TakesTooLong
        return contract(computation)

    return run


def _address(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


_PRECOMPILES = {
    **BERLIN_PRECOMPILES,
    _address(1): _ecrecover,
    _address(8): _bounded(8, lambda data: len(data) // 192, MAX_PAIRS),
    _address(9): _bounded(9, lambda data: int.from_bytes(data[:4], "big"), MAX_ROUNDS),
}


class LedgerComputation(BerlinComputation):
    """Berlin's computation with the loop of this module."""

    opcodes = MappingProxyType({**BerlinComputation.opcodes, **_LEAN})
    _precompiles = _PRECOMPILES

    @classmethod
    def apply_computation(
        cls,
        state: StateAPI,
        message: MessageAPI,
        transaction_context: TransactionContextAPI,
        parent_computation: ComputationAPI | None = None,
    ) -> ComputationAPI:
        """Runs a message, or the precompiled contract at its address."""
        with cls(state, message, transaction_context) as computation:
            if computation.is_origin_computation:
                computation.contracts_created = []
            if parent_computation is not None:
                computation.contracts_created = parent_computation.contracts_created
            if message.is_create:
                computation.contracts_created.append(message.storage_address)
            precompile = computation.precompiles.get(message.code_address)
            if precompile is None:
                computation._run(_program(message.code))  # type: ignore[attr-defined]
            elif not message.is_delegation:
                precompile(computation)
        return computation

    def _run(self, program: _Program) -> None:
        """Until the code halts. Raises VMError, TakesTooLong."""
        machine: Any = self
        traces, values, meter, stream = program.traces, machine._stack.values, machine._gas_meter, machine.code
        opcodes, until, gas, place = self.opcodes, machine.state.until, meter.gas_remaining, 0
        while True:
            trace: Any = traces.get(place, 0)
            if trace.__class__ is int:
                trace = program.visit(place)
            if trace is not None and gas >= trace.gas and trace.least <= len(values) <= trace.most:
                left, place = trace.run(values, self, gas)
                if left < gas:
                    gas = left
                    continue
            gas, place, op = _interpret(program, values, gas, place)
            if op == _JUMP:
                continue
            if thread_time() > until:
                raise TakesTooLong
            meter.gas_remaining, stream.program_counter = gas, place + 1
            try:
                (opcodes.get(op) or InvalidOpcode(op))(computation=self)
            except Halt:
                return
            gas, place = meter.gas_remaining, stream.program_counter
            if values and values[-1].__class__ is not int:
                values[-1] = to_int(values[-1])


def _interpret(program: _Program, values: list[int], gas: int, place: int) -> tuple[int, int, int]:
    """Until a jump was done, or an instruction of py-evm's is to be: gas and place then, and that instruction or _JUMP.

    Raises VMError.
    """
    code, pushes, targets, push, pop = program.code, program.pushes, program.targets, values.append, values.pop
    try:
        while gas >= 0:
            op = code[place]
            if 0x60 <= op < 0xA0:
                gas -= 3
                if op >= 0x90:
                    at = 0x8E - op
                    values[-1], values[at] = values[at], values[-1]
                    place += 1
                elif len(values) > _LIMIT:
                    raise _failure(gas, FullStack("stack limit reached"))
                elif op >= 0x80:
                    push(values[0x7F - op])
                    place += 1
                else:
                    push(pushes[place])
                    place += op - 0x5E
            elif op in _BINARY:
                cost, result = _BINARY[op]
                gas -= cost
                push(result(pop(), pop()))
                place += 1
            elif op == _JUMPDEST:
                gas -= 1
                place += 1
            elif op in (_JUMP, _JUMPI):
                gas -= 8 if op == _JUMP else 10
                target = pop()
                jumps = program.taken[place] = op == _JUMP or pop() != 0
                if jumps:
                    return gas, target if target in targets else program.find(target, gas), _JUMP
                place += 1
            else:
                return gas, place, op
    except IndexError:  # of the instructions above only, which index nothing but the stack
        raise _failure(gas, InsufficientStack("stack underflow")) from None
    raise OutOfGas("out of gas")
