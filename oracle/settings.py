"""Settings of one oracle, an item of the list [[oracles]] in the settings file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class OracleSection(BaseModel):
    """One oracle of the consortium: where it is reached and, on the machine that runs it, what it owns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="what `cangdan oracle run --name` takes")
    host: str = Field(default="127.0.0.1", description="where it listens")
    port: int = Field(ge=1, le=65535)
    url: str = Field(
        default_factory=lambda given: f"http://{given.get('host')}:{given.get('port')}",
        description="where devices and the other oracles reach it",
    )
    directory: Path = Field(default_factory=lambda given: Path(str(given.get("name"))), description="its log and state")
    key_file: Path = Field(
        default_factory=lambda given: Path(f"keys/{given.get('name')}.json"),
        description="signs reports, rounds and receipts of segments",
    )
    tls_certificate_file: Path | None = Field(default=None, description="with tls_key_file: serve HTTPS")
    tls_key_file: Path | None = Field(default=None, description="private key of the certificate")
