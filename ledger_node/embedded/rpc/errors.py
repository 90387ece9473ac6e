"""JSON-RPC errors with geth's codes and words (JSON-RPC 2.0, EIP-1474)."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from ledger_node.embedded.errors import ExecutionError, LedgerError, PoolError, Reverted, UnknownBlock
from ledger_node.hexvalues import HexError, data_hex

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
TIMEOUT = -32002
LIMIT_EXCEEDED = -32005
REVERTED = 3
_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")
_PANICS: Mapping[int, str] = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}


@dataclass(frozen=True, slots=True)
class RpcError(Exception):
    """An answer that is an error."""

    code: int
    message: str
    data: str | None = None

    def as_json(self) -> dict[str, object]:
        """The error member of a response."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


KNOWN_ERRORS = (RpcError, HexError, PoolError, UnknownBlock, ExecutionError, LedgerError, sqlite3.Error)
"""What a method may raise; anything else is a mistake in this program."""


def as_rpc_error(error: Exception) -> RpcError:
    """The answer for one of KNOWN_ERRORS."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, HexError):
        return RpcError(INVALID_PARAMS, f"invalid argument: {error}")
    if isinstance(error, UnknownBlock):
        return RpcError(SERVER_ERROR, "header not found")
    if isinstance(error, Reverted):
        reason = revert_reason(error.data)
        text = "execution reverted" if reason is None else f"execution reverted: {reason}"
        return RpcError(REVERTED, text, data_hex(error.data))
    if isinstance(error, LedgerError | sqlite3.Error):
        return RpcError(INTERNAL_ERROR, f"the ledger cannot read or write its file: {error}")
    return RpcError(SERVER_ERROR, str(error))


def revert_reason(data: bytes) -> str | None:
    """The text in revert data of Error(string), or the name of a Panic(uint256); None for all else."""
    if data[:4] == _PANIC_SELECTOR and len(data) == 36:
        code = int.from_bytes(data[4:], "big")
        return _PANICS.get(code, f"unknown panic code: {code:#x}")
    if data[:4] != _ERROR_SELECTOR or len(data) < 68:
        return None
    length = int.from_bytes(data[36:68], "big")
    if int.from_bytes(data[4:36], "big") != 32 or length > len(data) - 68:
        return None
    return data[68 : 68 + length].decode(errors="replace")
