"""Settings of the ledger, one section of the settings file."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LedgerSection(BaseModel):
    """Which chain this member speaks to and, for the embedded one, how it is served. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["embedded", "external"] = Field(
        default="embedded", description="external: rpc_url is a node that somebody else runs"
    )
    host: str = Field(default="127.0.0.1", description="where the embedded ledger listens")
    port: int = Field(default=20590, ge=1, le=65535)
    rpc_url: str = Field(default="http://127.0.0.1:20590", description="JSON-RPC over HTTP, what all clients use")
    ws_url: str = Field(default="ws://127.0.0.1:20590", description="JSON-RPC over WebSocket, for subscriptions")
    directory: Path = Field(default=Path("ledger"), description="blocks and state, under the state directory")
    genesis_file: Path = Field(default=Path("genesis.json"), description="docs/formats/genesis.md")
    sealer_key_file: Path = Field(default=Path("keys/sealer.json"), description="signs each block hash")
    finality: int = Field(default=0, ge=0, description="blocks on top of one until it is final")
