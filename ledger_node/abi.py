"""Reading and writing what contracts say, by the compiled interfaces: calls, logs, acts, causes of reverts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ledger_node.abi_types import AbiError, Event, Struct, decode_values, encode_values, plain
from ledger_node.artifacts import artifact
from ledger_node.bindings.acts import ACTS
from ledger_node.bindings.errors import ERRORS
from ledger_node.bindings.events import EVENTS
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex

PANICS = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "value outside its enum",
    0x32: "index outside the array",
    0x41: "out of memory",
    0x51: "call of an empty function",
}
"""The codes of Panic(uint256) that a contract of solc 0.8 can raise (Solidity documentation, panic)."""


@dataclass(frozen=True, slots=True)
class RevertCause:
    """Why a call failed: the error's name and its arguments by name.

    `Reverted` without arguments: no data came with it (out of gas, or an empty revert). `UnknownError` carries
    the data of an error that no known contract has.
    """

    name: str
    args: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        shown = (f"{name}={data_hex(value) if isinstance(value, bytes) else value}" for name, value in self.args)
        return f"{self.name}({', '.join(shown)})"


def decode_revert(data: bytes) -> RevertCause:
    """The cause in the data of a revert. Never fails: what cannot be read is `UnknownError`."""
    if not data:
        return RevertCause("Reverted")
    known = ERRORS.get(data[:4])
    try:
        if known is not None:
            name, inputs = known
            values = decode_values([kind for _, kind in inputs], data[4:])
            return RevertCause(name, tuple(zip((each for each, _ in inputs), values, strict=True)))
        if data[:4] == _selector("Error(string)"):
            return RevertCause("Error", (("message", decode_values(["string"], data[4:])[0]),))
        if data[:4] == _selector("Panic(uint256)"):
            code = decode_values(["uint256"], data[4:])[0]
            return RevertCause("Panic", (("code", code), ("meaning", PANICS.get(code, "unknown"))))
    except AbiError:
        pass
    return RevertCause("UnknownError", (("data", data),))


def decode_log(address: bytes, topics: Sequence[bytes], data: bytes) -> Event | None:
    """The event in a log, None for one that no compiled contract declares. Raises AbiError for an ill-formed one."""
    event = event_type(topics)
    return None if event is None else event.decode(address, topics, data)


def event_type(topics: Sequence[bytes]) -> type[Event] | None:
    """Which event a log is, None for one that no compiled contract declares."""
    return EVENTS.get((topics[0], len(topics))) if topics else None


def decode_act(contract: str, act: int, data: bytes) -> tuple[str, Struct]:
    """The name and the struct of an act from the `data` of a Transition of `contract`. Raises AbiError."""
    known = ACTS.get(contract, {}).get(act)
    if known is None:
        raise AbiError(f"{contract}: has no act {act}")
    name, kind = known
    return name, kind.decode(data)


def encode_call(contract: str, function: str, *args: object) -> bytes:
    """The data of a call; `function` is a name, or a signature where the name is overloaded.

    Structs may be given as such. Raises AbiError for an unknown function or a value that does not fit.
    """
    head, inputs, _ = _function(contract, function)
    if len(args) != len(inputs):
        raise AbiError(f"{contract}.{function}: takes {len(inputs)} arguments, {len(args)} are given")
    return head + encode_values(inputs, [plain(each) for each in args])


def selector(contract: str, function: str) -> bytes:
    """The first 4 bytes of a call's data. Raises AbiError for an unknown function."""
    return _function(contract, function)[0]


def decode_result(contract: str, function: str, data: bytes) -> tuple[Any, ...]:
    """What a call returned, in order; structs as tuples, addresses as 20 bytes. Raises AbiError."""
    return decode_values(_function(contract, function)[2], data)


def encode_creation(contract: str, *args: object) -> bytes:
    """The data of the transaction that creates a contract: its bytecode and its constructor's arguments."""
    compiled = artifact(contract)
    inputs = next((_kinds(each["inputs"]) for each in compiled.abi if each["type"] == "constructor"), [])
    if len(args) != len(inputs):
        raise AbiError(f"{contract}: its constructor takes {len(inputs)} arguments, {len(args)} are given")
    return compiled.bytecode + encode_values(inputs, [plain(each) for each in args])


def abi_type(parameter: Any) -> str:
    """The type of an ABI parameter as it stands in a signature: tuples spelled out."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(abi_type(each) for each in parameter['components'])}){kind.removeprefix('tuple')}"


@cache
def _function(contract: str, function: str) -> tuple[bytes, list[str], list[str]]:
    found = []
    for each in artifact(contract).abi:
        if each["type"] != "function":
            continue
        signature = f"{each['name']}({','.join(_kinds(each['inputs']))})"
        if function in (each["name"], signature):
            found.append((_selector(signature), _kinds(each["inputs"]), _kinds(each["outputs"])))
    if len(found) != 1:
        raise AbiError(f"{contract}.{function}: {'is overloaded; give its signature' if found else 'is unknown'}")
    return found[0]


def _kinds(parameters: Sequence[Any]) -> list[str]:
    return [abi_type(each) for each in parameters]


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]
