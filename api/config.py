"""Settings of the API, one section of the settings file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork


class WebhookSection(BaseModel):
    """Where webhooks may lead, and how long they are tried. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loopback_http: bool = Field(default=False, description="allow http to this machine: for trying out, never for use")
    networks: tuple[IPvAnyNetwork, ...] = Field(default=(), description="networks that are not public and yet allowed")
    authority_file: Path | None = Field(default=None, description="certificates that vouch for https beside the usual")
    timeout_seconds: float = Field(default=10, gt=0, le=30, description="for one attempt, from look-up to answer")
    give_up_seconds: int = Field(default=5 * 86400, ge=60, description="failing for so long disables a webhook")
    poll_seconds: float = Field(default=1, gt=0, le=60)
    keep_days: int = Field(default=30, ge=1, description="how long the log of finished deliveries goes back")
    a_member: int = Field(default=20, ge=1, description="webhooks that a member may have")


class ApiSection(BaseModel):
    """Where the API listens, what it calls itself, and how long what it gives out lives. Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8450, ge=1, le=65535)
    public_url: str = Field(default="http://127.0.0.1:8450", description="the address that its users type")
    directory: Path = Field(default=Path("api"), description="its database and secret, under the state directory")
    members_file: Path = Field(default=Path("members.json"), description="docs/formats/members.md")
    goods_key_file: Path = Field(default=Path("keys/goods"), description="the consortium's 32 bytes for goods keys")
    token_seconds: int = Field(default=300, ge=30, le=3600)
    session_seconds: int = Field(default=8 * 3600, ge=300, le=24 * 3600)
    reads_per_minute: int = Field(default=1200, ge=1)
    writes_per_minute: int = Field(default=240, ge=1)
    sign_ins_per_minute: int = Field(default=10, ge=1)
    streams_per_login: int = Field(default=6, ge=1, description="live streams of one login or program")
    streams: int = Field(default=200, ge=1, description="live streams of this process")
    webhooks: WebhookSection = Field(default_factory=WebhookSection, description="section [api.webhooks]")
    time_zone: str = Field(default="Asia/Shanghai", description="IANA name; the console shows times in it")
