"""Settings of the API, one section of the settings file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


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
    time_zone: str = Field(default="Asia/Shanghai", description="IANA name; the console shows times in it")
