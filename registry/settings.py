"""Settings of the indexer, one section of the settings file."""

from pydantic import BaseModel, ConfigDict, Field


class IndexerSection(BaseModel):
    """The database that the indexer fills and the API reads, and where the indexer says how far it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = Field(
        default="sqlite:///index.db",
        description="SQLAlchemy address: a SQLite file, relative ones under the state directory, or "
        "postgresql+psycopg://user@host/database (15 or newer)",
    )
    host: str = Field(default="127.0.0.1", description="where /live, /ready and /metrics answer")
    port: int = Field(default=20596, ge=1, le=65535)
    poll_seconds: float = Field(
        default=0.5,
        gt=0,
        le=60,
        description="between two looks at the node while it tells no new blocks by itself (`ledger.ws_url`); "
        "while it does, the pause is 10 s",
    )
