"""Settings of one oracle, an item of the list [[oracles]], and of who vouches for all of them, [tls]."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ledger_node.hexvalues import read_address
from ledger_node.settings import SignerSection


class OracleSection(BaseModel):
    """One oracle of the consortium: where it is reached and, on the machine that runs it, what it owns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="what `cangdan oracle run --name` takes")
    host: str = Field(default="127.0.0.1", description="where it listens")
    port: int = Field(ge=1, le=65535)
    url: str = Field(
        default_factory=lambda given: f"https://{given.get('host')}:{given.get('port')}",
        pattern=r"^https://[^/]+$",
        description="where devices and the other oracles reach it; HTTPS only",
    )
    directory: Path = Field(default_factory=lambda given: Path(str(given.get("name"))), description="its log and state")
    key_file: Path = Field(
        default_factory=lambda given: Path(f"keys/{given.get('name')}.json"),
        description="the account's key: signs reports, rounds, receipts of segments, transactions",
    )
    signer: SignerSection | None = Field(
        default=None, description="instead of key_file: section [oracles.signer] under its item, fields as below"
    )
    account: str | None = Field(
        default=None, description="instead of key_file and signer, where the oracle runs elsewhere: its address"
    )
    tls_certificate_file: Path = Field(
        default_factory=lambda given: Path(f"tls/{given.get('name')}.pem"),
        description="certificate for the host in `url`, with the chain up to the authority",
    )
    tls_key_file: Path = Field(
        default_factory=lambda given: Path(f"tls/{given.get('name')}.key"), description="its private key, mode 0600"
    )

    @field_validator("account")
    @classmethod
    def _is_an_address(cls, account: str | None) -> str | None:
        if account is not None:
            read_address("address", account)
        return account

    @model_validator(mode="after")
    def _has_one_key(self) -> "OracleSection":
        ways = {"key_file": "key_file" in self.model_fields_set, "signer": self.signer, "account": self.account}
        given = [name for name, value in ways.items() if value]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other")
        return self

    @property
    def is_here(self) -> bool:
        """Whether it runs on the machine that these are the settings of."""
        return self.account is None

    @property
    def address(self) -> bytes | None:
        """The 20 bytes of its account; None when only its key file can tell."""
        if self.account is not None:
            return read_address("account", self.account)
        return None if self.signer is None else self.signer.address


class TlsSection(BaseModel):
    """Who vouches for the oracles' certificates. Clients of the oracles believe this authority and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authority_file: Path = Field(default=Path("tls/ca.pem"), description="the authority's certificate")
    authority_key_file: Path = Field(
        default=Path("tls/ca.key"), description="where it is, founding makes the oracles' certificates"
    )
