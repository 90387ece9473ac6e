"""The `rules` of a trust file: what the genesis file of a QBFT or Clique chain says about its headers. Pure."""

from itertools import pairwise

from ledger_node.canonical_json import JsonValue
from ledger_node.consensus.checkpoint import CheckpointError, read_addresses
from ledger_node.consensus.rules import Client, Consensus, Period, Rules, SetChange
from ledger_node.hexvalues import address_hex

_NAMES = ("client", "epoch", "london", "periods", "sets")
_MAX_NUMBER = 2**53 - 1


def rules_json(rules: Rules) -> dict[str, JsonValue]:
    """The member `rules` of a trust file."""
    return {
        "client": rules.client.value,
        "epoch": rules.epoch,
        "london": rules.london,
        "periods": [{"from": each.start, "seconds": each.seconds} for each in rules.periods],
        "sets": [
            {"from": each.start, "validators": [address_hex(one) for one in each.validators]} for each in rules.sets
        ],
    }


def read_rules(value: JsonValue, consensus: Consensus, chain_id: int, genesis_hash: bytes) -> Rules:
    """The rules in a trust file of that consensus. Raises CheckpointError or HexError that names the field."""
    fields = _fields("trust.rules", value, _NAMES)
    clients = [Client.GETH] if consensus is Consensus.CLIQUE else [Client.GOQUORUM, Client.BESU]
    if fields["client"] not in clients:
        raise CheckpointError(f"trust.rules.client: must be {' or '.join(clients)}")
    london = fields["london"]
    periods = [
        Period(_integer(f"{path}.from", each["from"]), _integer(f"{path}.seconds", each["seconds"]))
        for path, each in _objects("trust.rules.periods", fields["periods"], ("from", "seconds"))
    ]
    sets = [
        SetChange(_integer(f"{path}.from", each["from"]), read_addresses(f"{path}.validators", each["validators"]))
        for path, each in _objects("trust.rules.sets", fields["sets"], ("from", "validators"))
    ]
    for name, starts in (("periods", [each.start for each in periods]), ("sets", [each.start for each in sets])):
        if any(one >= other for one, other in pairwise(starts)):
            raise CheckpointError(f"trust.rules.{name}: must be ascending")
    if not periods or periods[0].start != 0:
        raise CheckpointError("trust.rules.periods: the first must be from 0")
    if any(not each.validators for each in sets) or (sets and consensus is Consensus.CLIQUE):
        raise CheckpointError("trust.rules.sets: must be empty for clique, and none of them empty for qbft")
    return Rules(
        consensus,
        chain_id,
        genesis_hash,
        client=Client(str(fields["client"])),
        epoch=_integer("trust.rules.epoch", fields["epoch"], 1),
        london=None if london is None else _integer("trust.rules.london", london),
        periods=tuple(periods),
        sets=tuple(sets),
    )


def _objects(path: str, value: JsonValue, names: tuple[str, ...]) -> list[tuple[str, dict[str, JsonValue]]]:
    if not isinstance(value, list):
        raise CheckpointError(f"{path}: must be a list")
    return [(f"{path}[{at}]", _fields(f"{path}[{at}]", each, names)) for at, each in enumerate(value)]


def _fields(path: str, value: JsonValue, names: tuple[str, ...]) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: must be an object")
    for name in (*names, *value):
        if name not in value or name not in names:
            raise CheckpointError(f"{path}.{name}: is {'missing' if name in names else 'unknown'}")
    return value


def _integer(path: str, value: JsonValue, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MAX_NUMBER:
        raise CheckpointError(f"{path}: must be an integer between {least} and 2**53 - 1")
    return value
