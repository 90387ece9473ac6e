"""What a consortium agrees on before its chain begins (docs/formats/network-plan.md): its rules, who validates where.

Pure. Hosts and names end up in addresses of peers, YAML and shell commands: they are read strictly.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger_node import canonical_json
from ledger_node.fields import exact_fields, integer_within
from ledger_node.hexvalues import HexError, read_data
from ledger_node.secp256k1 import SignatureError, address_of_public_key

FORMAT = "cangdan/network-plan/1"
MIN_VALIDATORS = 4
"""Fewer could not do without any: f = floor((N - 1) / 3) may fail."""
MIN_GAS_LIMIT, MAX_GAS_LIMIT = 10_000_000, 2**40
"""Deploying the contracts takes up to 2.1 million gas in one transaction, and several of them wait at once."""
MAX_PERIOD_SECONDS, MAX_TIMEOUT_SECONDS = 600, 3600
MAX_EPOCH = 2**31 - 1
PERIODS_OF_TIMEOUT = 2
"""A round that ends before a block is due can never bring one."""
_LONGEST_ROUND = 2
_PLAN = (
    "format", "chainId", "blockPeriodSeconds", "epochLength", "requestTimeoutSeconds", "gasLimit", "validators"
)  # fmt: skip
_VALIDATOR = ("name", "publicKey", "host", "port", "rpcPort", "wsPort")
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A last label that begins with a digit could be read as a number, and so the name as an IPv4 address.
_DNS_NAME = re.compile(rf"(?:{_LABEL}\.)*(?=[a-z]){_LABEL}\Z")
_DNS_LENGTH = 253


class PlanError(ValueError):
    """A plan breaks a rule; the message names the field and the rule."""


@dataclass(frozen=True, slots=True)
class Validator:
    """One validator: its folder's name, its 64-byte public key, where peers reach it, where it answers its member."""

    name: str
    public_key: bytes
    host: str
    port: int
    rpc_port: int
    ws_port: int

    @property
    def address(self) -> bytes:
        """The 20-byte address with which it seals."""
        return address_of_public_key(self.public_key)

    @property
    def by_name(self) -> bool:
        """Whether `host` is a name, which has to be looked up."""
        return _DNS_NAME.match(self.host) is not None

    @property
    def enode(self) -> str:
        """Where its peers reach it, with the key that it must have there (EIP-8, enode URL); it is not discovered."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"enode://{self.public_key.hex()}@{host}:{self.port}?discport=0"


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules of a chain and its first validators, in the order of their addresses; times are in seconds."""

    chain_id: int
    block_period: int
    epoch_length: int
    request_timeout: int
    gas_limit: int
    validators: tuple[Validator, ...]

    @property
    def faulty(self) -> int:
        """How many validators may fail so that blocks still come."""
        return (len(self.validators) - 1) // 3

    @property
    def longest_round(self) -> int:
        """The seconds that a round of GoQuorum lasts at most, each twice as long as the one before until then.

        Without a limit a chain that stood for an hour may stand for another one after its validators are back.
        """
        return _LONGEST_ROUND * self.request_timeout


def parse_plan(text: bytes) -> Plan:
    """The plan that a file's UTF-8 `text` gives. Raises PlanError that names the field."""
    try:
        document = canonical_json.loads(text)
    except canonical_json.JsonError as error:
        raise PlanError(f"plan: {error}") from None
    fields = exact_fields("plan", document, _PLAN, PlanError)
    if fields["format"] != FORMAT:
        raise PlanError(f"plan.format: must be {FORMAT}")
    validators = _validators(fields["validators"])
    period = _number(fields, "blockPeriodSeconds", 1, MAX_PERIOD_SECONDS)
    return Plan(
        # GoQuorum refuses 1, which is Ethereum's.
        chain_id=_number(fields, "chainId", 2, canonical_json.MAX_INTEGER),
        block_period=period,
        # Votes are forgotten at the end of an epoch, and each validator votes in blocks of its own.
        epoch_length=_number(fields, "epochLength", 2 * len(validators), MAX_EPOCH),
        request_timeout=_number(fields, "requestTimeoutSeconds", PERIODS_OF_TIMEOUT * period, MAX_TIMEOUT_SECONDS),
        gas_limit=_number(fields, "gasLimit", MIN_GAS_LIMIT, MAX_GAS_LIMIT),
        validators=tuple(sorted(validators, key=lambda each: each.address)),
    )


def _validators(value: object) -> list[Validator]:
    if not isinstance(value, list) or len(value) < MIN_VALIDATORS:
        raise PlanError(
            f"plan.validators: must be a list of at least {MIN_VALIDATORS}: of fewer none may fail, as blocks come "
            "while at most floor((N - 1) / 3) of N do"
        )
    found: list[Validator] = []
    taken: dict[object, str] = {}
    for at, each in enumerate(value):
        path = f"plan.validators[{at}]"
        validator = _validator(path, each)
        _take(taken, f"{path}.name", ("name", validator.name))
        _take(taken, f"{path}.publicKey", ("key", validator.public_key))
        for field, port in (("port", validator.port), ("rpcPort", validator.rpc_port), ("wsPort", validator.ws_port)):
            _take(taken, f"{path}.{field}", (validator.host, port))
        found.append(validator)
    return found


def _validator(path: str, value: object) -> Validator:
    fields = exact_fields(path, value, _VALIDATOR, PlanError)
    return Validator(
        name=_name(f"{path}.name", fields["name"]),
        public_key=_public_key(f"{path}.publicKey", fields["publicKey"]),
        host=_host(f"{path}.host", fields["host"]),
        port=_port(path, fields, "port"),
        rpc_port=_port(path, fields, "rpcPort"),
        ws_port=_port(path, fields, "wsPort"),
    )


def _take(taken: dict[object, str], field: str, value: object) -> None:
    """Refuse what another field has already: a name, a key, a port of a host."""
    if value in taken:
        raise PlanError(f"{field}: is that of {taken[value]} already")
    taken[value] = field


def _name(field: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.match(value):
        raise PlanError(
            f"{field}: must be 1 to 32 lower-case letters, digits and hyphens, the first a letter, the last no hyphen"
        )
    return value


def _public_key(field: str, value: object) -> bytes:
    try:
        key = read_data(field, value, 64)
        address_of_public_key(key)
    except HexError as error:
        raise PlanError(str(error)) from None
    except SignatureError:
        raise PlanError(f"{field}: is no point of the curve secp256k1") from None
    return key


def _host(field: str, value: object) -> str:
    """An IP address in its canonical form, or a name; `%` zones and IPv4 within IPv6 are other spellings of one."""
    if not isinstance(value, str):
        raise PlanError(f"{field}: must be a text")
    if len(value) <= _DNS_LENGTH and _DNS_NAME.match(value):
        return value
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise PlanError(
            f"{field}: must be an IP address, or a DNS name in lower case without a dot at its end"
        ) from None
    if str(address) != value or "%" in value or getattr(address, "ipv4_mapped", None) is not None:
        raise PlanError(f"{field}: must be the address in its shortest form, lower case, without a zone")
    if address.is_unspecified or address.is_multicast:
        raise PlanError(f"{field}: must be the address of one machine")
    return value


def _port(path: str, fields: Mapping[str, Any], name: str) -> int:
    return _number(fields, name, 1024, 65_535, path)


def _number(fields: Mapping[str, Any], name: str, low: int, high: int, path: str = "plan") -> int:
    return integer_within(f"{path}.{name}", fields[name], low, high, PlanError)
