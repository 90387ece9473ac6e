"""Code that runs often as Python functions: a trace is the straight way that execution took through the code.

A trace keeps the stack in local variables and knows constants, so that pushes, stack moves and known jumps cost
nothing. It only ever does what surely succeeds: whoever runs it has seen that gas and stack suffice for all of it, and
where the way parts, or an instruction could fail, it leaves the stack as it is before that and says where to go on.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ledger_node.hashing import keccak256

MAX_LENGTH = 64
"""Instructions of a trace."""
MIN_LENGTH = 3
"""A shorter trace costs more than it saves."""
_JUMP, _JUMPI, _JUMPDEST, _POP = 0x56, 0x57, 0x5B, 0x50
_MASK, _SIGN = hex((1 << 256) - 1), hex(1 << 255)
_TOTAL = "TOTAL"
"""Stands in the source for the gas of the whole trace, until that is known."""

BINARY: dict[int, tuple[int, str]] = {
    0x01: (3, f"{{a}} + {{b}} & {_MASK}"),
    0x02: (5, f"{{a}} * {{b}} & {_MASK}"),
    0x03: (3, f"{{a}} - {{b}} & {_MASK}"),
    0x04: (5, "{a} // {b} if {b} else 0"),
    0x06: (5, "{a} % {b} if {b} else 0"),
    0x16: (3, "{a} & {b}"),
    0x17: (3, "{a} | {b}"),
    0x18: (3, "{a} ^ {b}"),
    0x1A: (3, "{b} >> 248 - 8 * {a} & 255 if {a} < 32 else 0"),
    0x1B: (3, f"{{b}} << {{a}} & {_MASK} if {{a}} < 256 else 0"),
    0x1C: (3, "{b} >> {a} if {a} < 256 else 0"),
}
"""Gas and result of instructions that take two words; `a` was on top."""
COMPARISONS: dict[int, tuple[int, str]] = {
    0x10: (3, "{a} < {b}"),
    0x11: (3, "{a} > {b}"),
    0x12: (3, f"{{a}} ^ {_SIGN} < {{b}} ^ {_SIGN}"),
    0x13: (3, f"{{a}} ^ {_SIGN} > {{b}} ^ {_SIGN}"),
    0x14: (3, "{a} == {b}"),
}
"""The same of those that leave 1 or 0."""
_ISZERO, _NOT, _SHA3, _CALLDATALOAD, _CALLDATACOPY = 0x15, 0x19, 0x20, 0x35, 0x37
_MLOAD, _MSTORE, _GAS = 0x51, 0x52, 0x5A
_CONTEXT: dict[int, str] = {
    0x30: "word(machine.msg.storage_address)",
    0x33: "word(machine.msg.sender)",
    0x34: "machine.msg.value",
    0x36: "len(machine.msg.data)",
    0x3D: "len(machine.return_data)",
    0x42: "machine.state.timestamp",
    0x43: "machine.state.block_number",
    0x46: "machine.state.execution_context.chain_id",
}
"""What instructions of 2 gas push."""

Run: TypeAlias = Callable[[list[int], Any, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Trace:
    """`run(values, computation, gas)` gives the gas left and the place to go on; it runs when there is `gas` at least,
    and the stack holds from `least` to `most` words.
    """

    run: Run
    gas: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class _Truth:
    """1 when the comparison `text` has the value `wanted`, else 0."""

    text: str
    wanted: bool = True

    @property
    def condition(self) -> str:
        """The truth as a condition of Python."""
        return self.text if self.wanted else f"not {self.text}"


_Item: TypeAlias = int | str | _Truth
"""A word of the stack: known, in a local variable, or a comparison of such."""


class Code(Protocol):
    """What a trace is made from. `code` ends with 33 zeros at least; `targets` are the jump destinations found so far;
    `taken` says of conditional jumps whether they jumped the last time.
    """

    code: bytes
    targets: set[int]
    taken: dict[int, bool]

    def has(self, target: int) -> bool:
        """Whether a jump may go there."""
        ...


def trace_at(code: Code, start: int) -> Trace | None:
    """The trace that begins at `start`; None when it would be too short to be worth it."""
    writer = _Writer(code)
    length = writer.follow(start)
    return writer.finish() if length >= MIN_LENGTH else None


def grow(memory: Any, start: int, size: int, a_word: int, most: int) -> int:
    """The gas to reach `size` bytes of memory at `start`, and `a_word` for each word of them (Yellow Paper H.1).

    Memory then reaches that far; but when that costs more than `most`, nothing is done and the answer is -1.
    """
    if not size:
        return 0
    length = len(memory._bytes)
    cost, more = a_word * (size + 31 >> 5), start + size - length + 31 >> 5
    if more > 0:
        old = length >> 5
        new = old + more
        cost += 3 * more + new * new // 512 - old * old // 512
    if cost > most:
        return -1
    if more > 0:
        try:
            memory._bytes.extend(bytes(32 * more))
        except BufferError:  # py-evm still looks at it
            memory._bytes = memory._bytes + bytes(32 * more)
    return cost


class _Writer:
    """Writes one trace as the source of a function, instruction by instruction."""

    def __init__(self, code: Code) -> None:
        self._of, self._code = code, code.code
        self._lines: list[str] = []
        self._stack: list[_Item] = []
        """What stands on the words that were there before, less `_drawn` of those."""
        self._drawn = self._most = self._spent = self._names = 0
        self._ended = False

    def follow(self, place: int) -> int:
        """Write what runs from `place`, as far as a trace goes; the number of instructions."""
        seen: set[int] = set()
        while not self._ended and place not in seen and len(seen) < MAX_LENGTH and self._knows(self._code[place]):
            seen.add(place)
            place = self._instruction(place)
        if not self._ended:
            self._leave(place)
        return len(seen)

    def finish(self) -> Trace:
        """The trace, compiled."""
        body = "\n".join(self._lines).replace(_TOTAL, str(self._spent))
        used = sorted({int(each) for each in re.findall(r"\bw(\d+)\b", body)})
        before = [f" w{number} = values[-{number}]" for number in used]
        before += [" memory = machine._memory; filled = memory._bytes"] if "filled" in body else []
        before += [" given = machine.msg.data_as_bytes"] if "given" in body else []
        source = "\n".join(["def run(values, machine, gas):", *before, body])
        names: dict[str, Any] = {
            "word": int.from_bytes,
            "grow": grow,
            "keccak256": keccak256,
            "targets": self._of.targets,
        }
        # The source holds nothing of the code but numbers and names made here.
        exec(compile(source, "<trace>", "exec"), names)
        return Trace(names["run"], self._spent, self._drawn, 1024 - self._most)

    def _knows(self, op: int) -> bool:
        return 0x60 <= op < 0xA0 or op in BINARY or op in COMPARISONS or op in _CONTEXT or op in _OTHERS

    def _instruction(self, place: int) -> int:
        """Write one instruction; where the next one is."""
        op = self._code[place]
        if op < 0x60:
            return self._rare(op, place) if op in _OTHERS else self._computed(op, place)
        self._spent += 3
        if op < 0x80:
            self._push(int.from_bytes(self._code[place + 1 : place + op - 0x5E], "big"))
            return place + op - 0x5E
        if op < 0x90:
            self._need(op - 0x7F)
            self._push(self._stack[0x7F - op])
        else:
            self._need(op - 0x8E)
            stack, at = self._stack, 0x8E - op
            stack[-1], stack[at] = stack[at], stack[-1]
        return place + 1

    def _computed(self, op: int, place: int) -> int:
        if op in _CONTEXT:
            self._spent += 2
            self._push(self._named(_CONTEXT[op]))
            return place + 1
        gas, text = BINARY.get(op) or COMPARISONS[op]
        self._spent += gas
        a, b = self._pop(), self._pop()
        text = text.format(a=self._word(a), b=self._word(b))
        if isinstance(a, int) and isinstance(b, int):
            self._push(int(eval(text)))  # of two numbers
        else:
            self._push(_Truth(f"({text})") if op in COMPARISONS else self._named(text))
        return place + 1

    def _rare(self, op: int, place: int) -> int:
        return _OTHERS[op](self, place)

    def _iszero(self, place: int) -> int:
        self._spent += 3
        item = self._pop()
        if isinstance(item, _Truth):
            self._push(_Truth(item.text, not item.wanted))
        else:
            self._push(_Truth(item, False) if isinstance(item, str) else int(not item))
        return place + 1

    def _not(self, place: int) -> int:
        self._spent += 3
        item = self._pop()
        text = f"{self._word(item)} ^ {_MASK}"
        self._push(int(eval(text)) if isinstance(item, int) else self._named(text))
        return place + 1

    def _drop(self, place: int) -> int:
        self._spent += 2
        self._pop()
        return place + 1

    def _jumpdest(self, place: int) -> int:
        self._spent += 1
        return place + 1

    def _gas(self, place: int) -> int:
        self._spent += 2
        self._push(self._named(f"gas - {self._spent}"))
        return place + 1

    def _calldataload(self, place: int) -> int:
        self._spent += 3
        at = self._word(self._pop())
        self._push(self._named(f"word(given[{at} : {at} + 32].ljust(32, b'\\0'))"))
        return place + 1

    def _mload(self, place: int) -> int:
        at = self._reach(place, 3, 1)
        self._pop()
        self._push(self._named(f"word(filled[{at} : {at} + 32])"))
        return place + 1

    def _mstore(self, place: int) -> int:
        at = self._reach(place, 3, 2)
        self._pop()
        item = self._pop()
        word = repr(item.to_bytes(32, "big")) if isinstance(item, int) else f"{self._word(item)}.to_bytes(32, 'big')"
        self._lines.append(f" filled[{at} : {at} + 32] = {word}")
        return place + 1

    def _sha3(self, place: int) -> int:
        self._need(2)
        at, size = self._word(self._stack[-1]), self._word(self._stack[-2])
        self._pay(place, f"grow(memory, {at}, {size}, 6, gas - {_TOTAL})")
        self._spent += 30
        self._pop(), self._pop()
        self._push(self._named(f"word(keccak256(filled[{at} : {at} + {size}]))"))
        return place + 1

    def _calldatacopy(self, place: int) -> int:
        self._need(3)
        to, at, size = (self._word(self._stack[-number]) for number in (1, 2, 3))
        self._pay(place, f"grow(memory, {to}, {size}, 3, gas - {_TOTAL})")
        self._spent += 3
        self._pop(), self._pop(), self._pop()
        self._lines.append(f" filled[{to} : {to} + {size}] = given[{at} : {at} + {size}].ljust({size}, b'\\0')")
        return place + 1

    def _jump(self, place: int) -> int:
        self._need(1)
        target = self._stack[-1]
        if isinstance(target, int):
            if not self._of.has(target):
                return self._leave(place)
            self._pop()
            self._spent += 8
            return target
        name = self._word(target)
        self._lines.append(f" if {name} not in targets:")
        self._leave(place, " ")
        self._pop()
        self._spent += 8
        return self._leave(name)

    def _jumpi(self, place: int) -> int:
        self._need(2)
        target, condition = self._stack[-1], self._stack[-2]
        if not isinstance(target, int) or not self._of.has(target):
            return self._leave(place)
        self._pop(), self._pop()
        self._spent += 10
        if isinstance(condition, int):
            return target if condition else place + 1
        text = condition.condition if isinstance(condition, _Truth) else condition
        jumps = self._of.taken.get(place)
        self._lines.append(f" if not ({text}):" if jumps else f" if {text}:")
        self._leave(place + 1 if jumps else target, " ")
        if jumps is None:
            return self._leave(place + 1)
        return target if jumps else place + 1

    def _reach(self, place: int, gas: int, words: int) -> str:
        """Write that memory reaches the word at the address on top; that address."""
        self._need(words)
        at = self._word(self._stack[-1])
        self._lines.append(f" if {at} + 32 > len(filled):")
        self._pay(place, f"grow(memory, {at}, 32, 0, gas - {_TOTAL})", " ")
        self._spent += gas
        return at

    def _pay(self, place: int, cost: str, indent: str = "") -> None:
        """Write that gas is taken, or that the instruction at `place` is left to who can say what is wrong."""
        self._lines += [f"{indent} cost = {cost}", f"{indent} if cost < 0:"]
        self._leave(place, indent + " ")
        self._lines.append(f"{indent} gas -= cost; filled = memory._bytes")

    def _leave(self, place: int | str, indent: str = "") -> int:
        """Write the way out: the stack as it is now, and where to go on."""
        kept = 0
        while kept < min(self._drawn, len(self._stack)) and self._stack[kept] == f"w{self._drawn - kept}":
            kept += 1
        new, gone = [self._word(item, inline=True) for item in self._stack[kept:]], self._drawn - kept
        line = f"{indent} "
        if new:
            words = f"({', '.join(new)},)"
            line += f"values[-{gone}:] = {words}; " if gone else f"values.extend({words}); "
        elif gone:
            line += f"del values[-{gone}:]; "
        self._lines.append(f"{line}return gas - {self._spent}, {place}")
        self._ended = not indent
        return -1

    def _need(self, words: int) -> None:
        while len(self._stack) < words:
            self._drawn += 1
            self._stack.insert(0, f"w{self._drawn}")

    def _pop(self) -> _Item:
        self._need(1)
        return self._stack.pop()

    def _push(self, item: _Item) -> None:
        self._stack.append(item)
        self._most = max(self._most, len(self._stack) - self._drawn)

    def _named(self, text: str) -> str:
        self._names += 1
        self._lines.append(f" t{self._names} = {text}")
        return f"t{self._names}"

    def _word(self, item: _Item, *, inline: bool = False) -> str:
        if isinstance(item, _Truth):
            text = f"1 if {item.condition} else 0"
            return text if inline else self._named(text)
        return item if isinstance(item, str) else hex(item)


_OTHERS: dict[int, Callable[[_Writer, int], int]] = {
    _ISZERO: _Writer._iszero,
    _NOT: _Writer._not,
    _SHA3: _Writer._sha3,
    _CALLDATALOAD: _Writer._calldataload,
    _CALLDATACOPY: _Writer._calldatacopy,
    _POP: _Writer._drop,
    _MLOAD: _Writer._mload,
    _MSTORE: _Writer._mstore,
    _JUMP: _Writer._jump,
    _JUMPI: _Writer._jumpi,
    _GAS: _Writer._gas,
    _JUMPDEST: _Writer._jumpdest,
}
