"""The settings of a member: one typed file, `cangdan.toml` in the state directory, and the environment over it.

The state directory is CANGDAN_HOME, else `.cangdan` in the working directory. A variable such as
CANGDAN_LEDGER__RPC_URL overrides one field of one section. Relative paths of the file lie under the state directory.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

from api.config import ApiSection
from ledger_node.files import make_folder, replace_atomically
from ledger_node.monitoring import MetricsSection
from ledger_node.settings import LedgerSection, SignerSection
from oracle.settings import OracleSection, TlsSection
from registry.settings import IndexerSection

FILE_NAME = "cangdan.toml"
HOME_VARIABLE = "CANGDAN_HOME"
PREFIX = "CANGDAN_"
SQLITE = "sqlite:///"
FIRST_ORACLE_PORT = 20591

ModelT = TypeVar("ModelT", bound=BaseModel)


class SettingsError(ValueError):
    """The settings cannot be used; the text names the field and the rule, in one line."""


class ContractsSection(BaseModel):
    """Where the addresses of the deployed contracts are written and read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    addresses_file: Path = Field(default=Path("addresses.json"), description="docs/formats/addresses.md")
    operator_key_file: Path = Field(default=Path("keys/operator.json"), description="deploys and registers")
    operator_signer: SignerSection | None = Field(
        default=None, description="instead of operator_key_file: section [contracts.operator_signer], below"
    )
    outbox_file: Path = Field(default=Path("keys/operator.db"), description="the operator's outbox")

    @model_validator(mode="after")
    def _has_one_key(self) -> "ContractsSection":
        if self.operator_signer is not None and "operator_key_file" in self.model_fields_set:
            raise ValueError("operator_key_file and operator_signer exclude each other")
        return self


class SupervisorSection(BaseModel):
    """How `cangdan up` keeps the processes running. Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ready_seconds: float = Field(default=60, gt=0, description="time that a process has to become ready")
    stop_seconds: float = Field(default=20, gt=0, description="time between SIGTERM and SIGKILL")
    hung_seconds: float = Field(default=30, gt=0, description="a process that is silent for so long is killed")
    backoff_seconds: float = Field(default=0.5, gt=0, description="wait before the first restart, doubled each time")
    backoff_limit_seconds: float = Field(default=30, gt=0)
    log_bytes: int = Field(default=10_000_000, ge=1000, description="a log file is rotated at this size")
    log_files: int = Field(default=3, ge=1, description="rotated log files that are kept")


def _four_oracles() -> tuple[OracleSection, ...]:
    return tuple(OracleSection(name=f"oracle-{number}", port=FIRST_ORACLE_PORT + number - 1) for number in range(1, 5))


class Settings(BaseSettings):
    """All sections. Read it with `load_settings`: only then are its paths absolute."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", case_sensitive=False
    )
    ledger: LedgerSection = LedgerSection()
    oracles: tuple[OracleSection, ...] = Field(default_factory=_four_oracles)
    tls: TlsSection = TlsSection()
    indexer: IndexerSection = IndexerSection()
    api: ApiSection = ApiSection()
    contracts: ContractsSection = ContractsSection()
    metrics: MetricsSection = MetricsSection()
    supervisor: SupervisorSection = SupervisorSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before what the file says (given as arguments), and nothing else."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _names_are_distinct(self) -> "Settings":
        names = [oracle.name for oracle in self.oracles]
        if len(set(names)) != len(names):
            raise ValueError("oracles: each name may stand once")
        return self

    def oracle(self, name: str) -> OracleSection:
        """The oracle of that name; SettingsError when there is none."""
        for section in self.oracles:
            if section.name == name:
                return section
        known = ", ".join(section.name for section in self.oracles)
        raise SettingsError(f"oracles: none is called {name!r}; the file has {known}")


def state_directory(environment: Mapping[str, str] | None = None) -> Path:
    """Where this member keeps settings, keys, data and logs, as an absolute path."""
    variables = os.environ if environment is None else environment
    return Path(variables.get(HOME_VARIABLE) or ".cangdan").expanduser().absolute()


def is_setting(variable: str) -> bool:
    """Whether a variable of the environment overrides settings: a field, a whole section, or a mistyped one."""
    name = variable.upper()
    return name.startswith(PREFIX) and ("__" in name or name.removeprefix(PREFIX).lower() in Settings.model_fields)


def load_settings(home: Path | None = None) -> Settings:
    """The settings of a state directory (without a file: the defaults), every path made absolute.

    Raises SettingsError for a file that is no TOML, an unknown key, a wrong value or a variable of no section.
    """
    home = (home or state_directory()).absolute()
    _refuse_unknown_variables(os.environ)
    try:
        given = _read_toml(home / FILE_NAME)
        _refuse_texts_as_numbers(Settings, given)
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(first_cause(error)) from None
    except PydanticSettingsError as error:
        raise SettingsError(f"environment: {error}") from None
    below = _below(settings, home)
    indexer = below.indexer.model_copy(update={"database_url": _database_below(below.indexer.database_url, home)})
    return below.model_copy(update={"indexer": indexer})


def write_settings(settings: Settings, home: Path) -> Path:
    """Write the settings that differ from the defaults to the file of a state directory; returns the file."""
    make_folder(home, 0o700)
    file = home / FILE_NAME
    data = settings.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    replace_atomically(file, tomli_w.dumps(data).encode())
    return file


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from None


def _refuse_texts_as_numbers(kind: object, value: object, place: str = "") -> None:
    """In a file a number is written as one; a text or true is refused, where `kind` is the type of what is read."""
    if kind in (int, float) and isinstance(value, (str, bool)):
        raise SettingsError(f"{place}: must be a number, without quotes")
    if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, dict):
        for name, field in kind.model_fields.items():
            _refuse_texts_as_numbers(field.annotation, value.get(name), f"{place}.{name}".lstrip("."))
    for part in get_args(kind):
        for at, each in enumerate(value) if isinstance(value, list) else ():
            _refuse_texts_as_numbers(part, each, f"{place}.{at}")
        _refuse_texts_as_numbers(part, value, place)


def _below(section: ModelT, home: Path) -> ModelT:
    """The same section with each relative path put under home."""
    changed = {name: _value_below(getattr(section, name), home) for name in type(section).model_fields}
    return section.model_copy(update=changed)


def _value_below(value: object, home: Path) -> object:
    if isinstance(value, Path):
        return home / value.expanduser()
    if isinstance(value, BaseModel):
        return _below(value, home)
    if isinstance(value, tuple):
        return tuple(_value_below(item, home) for item in value)
    return value


def _database_below(url: str, home: Path) -> str:
    if not url.startswith(SQLITE):
        return url
    return SQLITE + str(home / url.removeprefix(SQLITE))


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """A mistyped section in a variable would be passed over in silence, so it is an error."""
    for variable in environment:
        name = variable.upper()
        if not name.startswith(PREFIX) or "__" not in name:
            continue
        section = name.removeprefix(PREFIX).split("__")[0].lower()
        if section not in Settings.model_fields:
            raise SettingsError(f"{variable}: no section {section!r}; there are {', '.join(Settings.model_fields)}")


def first_cause(error: ValidationError) -> str:
    """One line that names field and rule, never the value: it may be a secret put in the wrong place."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "settings"
    more = error.error_count() - 1
    return f"{field}: {first['msg']}" + (f" (and {more} more)" if more else "")
