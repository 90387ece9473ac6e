"""Settings of the ledger, one section of the settings file."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from ledger_node.node_addresses import HTTP, WEBSOCKET, checked_address

MOST_FINALITY = 1_000_000
"""Blocks. More than that nobody waits for: it is a slip."""
_HttpAddress = Annotated[str, AfterValidator(lambda url: checked_address(url, HTTP))]
_WebSocketAddress = Annotated[str, AfterValidator(lambda url: url and checked_address(url, WEBSOCKET))]


def _own_socket(given: dict[str, Any]) -> str:
    """Where the embedded ledger tells of its blocks; nothing is known of another one."""
    return "" if given.get("engine") == "external" else f"ws://{given.get('host')}:{given.get('port')}"


class LedgerSection(BaseModel):
    """Which chain this member speaks to and, for the embedded one, how it is served. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["embedded", "external"] = Field(
        default="embedded", description="external: rpc_url is a node that somebody else runs"
    )
    host: str = Field(default="127.0.0.1", description="where the embedded ledger listens")
    port: int = Field(default=20590, ge=1, le=65535)
    rpc_url: _HttpAddress = Field(
        default_factory=lambda given: f"http://{given.get('host')}:{given.get('port')}",
        description="JSON-RPC over HTTP, what all clients use; the embedded ledger's when not given",
    )
    fallback_rpc_urls: tuple[_HttpAddress, ...] = Field(
        default=(), description="more nodes of the same chain, asked when rpc_url's fails or lags"
    )
    ws_url: _WebSocketAddress = Field(
        default_factory=_own_socket,
        description="JSON-RPC over WebSocket, where new blocks are heard of; when not given, the embedded ledger's, "
        "and of an external one none, as with '': it is asked",
    )
    directory: Path = Field(default=Path("ledger"), description="genesis file, sealer key, blocks, state")
    block_seconds: float = Field(default=0.2, gt=0, le=60, description="least time between two blocks")
    idle_seconds: float = Field(default=5, ge=0, description="most time without a block; 0: no empty blocks")
    finality: int = Field(
        default=0, ge=0, le=MOST_FINALITY, description="blocks on top of one until it is final, at most 1,000,000"
    )

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """All nodes that clients may ask, the preferred one first."""
        return self.rpc_url, *self.fallback_rpc_urls


class SignerSection(BaseModel):
    """A signer elsewhere that holds the key of one account: Web3Signer's eth1 JSON-RPC. No field of it is secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="https, or http to this machine; no credentials")
    account: str = Field(pattern="^0x[0-9a-fA-F]{40}$", description="the address that it signs for")
    authority_file: Path | None = Field(default=None, description="vouches for it; the system's if none")
    certificate_file: Path | None = Field(default=None, description="what it knows this side by")
    key_file: Path | None = Field(default=None, description="the certificate's private key, mode 0600")
    timeout_seconds: float = Field(default=10, gt=0, le=300, description="for one request")

    @field_validator("url")
    @classmethod
    def _is_guarded(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ValueError("must be an address") from None
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no user, password, query or fragment")
        guarded = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))
        if not parts.hostname or not guarded:
            raise ValueError("must be https, or http to this machine")
        return url

    @property
    def address(self) -> bytes:
        """The 20 bytes of `account`."""
        return bytes.fromhex(self.account[2:])

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> "SignerSection":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file must be given together")
        return self


def is_this_machine(host: str) -> bool:
    """Whether a host is reached without a network: localhost, or a loopback address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
