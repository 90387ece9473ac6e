"""Checkpoint files: the followed state of a chain, from which a light client goes on (docs/formats/headers.md)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonValue
from ledger_node.consensus.rules import (
    GAS_LIMIT_CEILING,
    NUMBER_CEILING,
    TIME_CEILING,
    Client,
    Consensus,
    Followed,
    Recent,
    Rules,
    Tip,
    Vote,
)
from ledger_node.fields import exact_fields
from ledger_node.hexvalues import HexError, address_hex, data_hex, read_address, read_data, read_quantity

FORMAT = "cangdan/checkpoint/1"
STATE_FIELDS = ("block", "validators", "votes", "recents")
_NUMBER_BITS, _TIME_BITS, _GAS_BITS = (
    (ceiling - 1).bit_length() for ceiling in (NUMBER_CEILING, TIME_CEILING, GAS_LIMIT_CEILING)
)
_TIP_FIELDS = ("number", "hash", "timestamp", "gasLimit", "gasUsed")
Item = TypeVar("Item")


class CheckpointError(ValueError):
    """A checkpoint breaks a rule; the message names the field and the rule."""


def dump_checkpoint(rules: Rules, followed: Followed, earlier: Sequence[Followed] = ()) -> bytes:
    """The file of a followed state, canonical JSON; `parse_checkpoint` gives the same states back.

    `earlier` are the states of the blocks before it that may still be replaced and of the last final one, oldest first.
    """
    head: dict[str, JsonValue] = {
        "format": FORMAT,
        "consensus": rules.consensus.value,
        "genesisHash": data_hex(rules.genesis_hash),
        "earlier": [state_json(each) for each in earlier],
    }
    return canonical_json.dumps(head | state_json(followed))


def parse_checkpoint(text: bytes, rules: Rules) -> tuple[Followed, ...]:
    """The states in a file's `text`, oldest first, which must be of the chain of `rules`. Raises CheckpointError."""
    try:
        document = canonical_json.loads(text)
        fields = exact_fields(
            "checkpoint", document, ("format", "consensus", "genesisHash", "earlier", *STATE_FIELDS), CheckpointError
        )
        if fields["format"] != FORMAT:
            raise CheckpointError(f"checkpoint.format: must be {FORMAT}")
        if fields["consensus"] != rules.consensus.value:
            raise CheckpointError(f"checkpoint.consensus: is not {rules.consensus.value}, which the trusted chain has")
        if read_data("checkpoint.genesisHash", fields["genesisHash"], 32) != rules.genesis_hash:
            raise CheckpointError("checkpoint.genesisHash: is of another chain than the trusted one")
        earlier = _list("checkpoint.earlier", fields["earlier"], lambda path, each: read_state(path, each, rules))
        states = (*earlier, read_state("checkpoint", {name: fields[name] for name in STATE_FIELDS}, rules))
    except (canonical_json.JsonError, HexError) as error:
        raise CheckpointError(str(error)) from None
    if any(one.tip.number + 1 != other.tip.number for one, other in pairwise(states)):
        raise CheckpointError("checkpoint.earlier: are not the blocks before the checkpoint's, oldest first")
    if rules.consensus is Consensus.EMBEDDED and any(each.validators != (rules.sealer,) for each in states):
        raise CheckpointError("checkpoint.validators: are not the sealer that is trusted")
    return states


def state_json(followed: Followed) -> dict[str, JsonValue]:
    """A followed state as JSON."""
    tip = followed.tip
    block: dict[str, JsonValue] = {
        "number": hex(tip.number),
        "hash": data_hex(tip.hash),
        "timestamp": hex(tip.timestamp),
        "gasLimit": hex(tip.gas_limit),
        "gasUsed": hex(tip.gas_used),
    }
    if tip.base_fee_per_gas is not None:
        block["baseFeePerGas"] = hex(tip.base_fee_per_gas)
    return {
        "block": block,
        "validators": [address_hex(each) for each in followed.validators],
        "votes": [
            {"voter": address_hex(each.voter), "subject": address_hex(each.subject), "add": each.add}
            for each in followed.votes
        ],
        "recents": [{"number": hex(each.number), "signer": address_hex(each.signer)} for each in followed.recents],
    }


def read_state(path: str, value: object, rules: Rules) -> Followed:
    """The followed state in JSON, one that following by `rules` can give.

    Raises CheckpointError or HexError that names the field under `path`.
    """
    fields = exact_fields(path, value, STATE_FIELDS, CheckpointError)
    validators = read_addresses(f"{path}.validators", fields["validators"])
    if not validators:
        raise CheckpointError(f"{path}.validators: there are none")
    recents = _list(f"{path}.recents", fields["recents"], _recent)
    if any(one.number >= other.number for one, other in pairwise(recents)):
        raise CheckpointError(f"{path}.recents: must be ascending")
    votes = _list(f"{path}.votes", fields["votes"], _vote)
    if len({(each.voter, each.subject) for each in votes}) != len(votes):
        raise CheckpointError(f"{path}.votes: a voter votes twice on one address")
    found = Followed(_tip(f"{path}.block", fields["block"]), validators, votes, recents)
    if recents and rules.consensus is not Consensus.CLIQUE:
        raise CheckpointError(f"{path}.recents: must be empty but for clique")
    for at, each in enumerate(votes):
        if each.voter not in validators and not _keeps_votes_of_leavers(rules, found.tip.number):
            raise CheckpointError(f"{path}.votes[{at}].voter: is none of the validators")
    return found


def _keeps_votes_of_leavers(rules: Rules, number: int) -> bool:
    """Whether votes of members that left can wait after a block: GoQuorum keeps them when a transition sets the set."""
    return rules.client is Client.GOQUORUM and any(1 < each.start <= number + 1 for each in rules.sets)


def read_addresses(path: str, value: object) -> tuple[bytes, ...]:
    """A list of addresses, ascending, each once. Raises CheckpointError or HexError."""
    found = _list(path, value, read_address)
    if any(one >= other for one, other in pairwise(found)):
        raise CheckpointError(f"{path}: must be ascending, each once")
    return found


def _tip(path: str, value: object) -> Tip:
    has_fee = isinstance(value, Mapping) and "baseFeePerGas" in value
    fields = exact_fields(path, value, (*_TIP_FIELDS, "baseFeePerGas") if has_fee else _TIP_FIELDS, CheckpointError)
    return Tip(
        read_quantity(f"{path}.number", fields["number"], _NUMBER_BITS),
        read_data(f"{path}.hash", fields["hash"], 32),
        read_quantity(f"{path}.timestamp", fields["timestamp"], _TIME_BITS),
        read_quantity(f"{path}.gasLimit", fields["gasLimit"], _GAS_BITS),
        read_quantity(f"{path}.gasUsed", fields["gasUsed"], _GAS_BITS),
        read_quantity(f"{path}.baseFeePerGas", fields["baseFeePerGas"]) if has_fee else None,
    )


def _vote(path: str, value: object) -> Vote:
    fields = exact_fields(path, value, ("voter", "subject", "add"), CheckpointError)
    if not isinstance(fields["add"], bool):
        raise CheckpointError(f"{path}.add: must be true or false")
    voter = read_address(f"{path}.voter", fields["voter"])
    return Vote(voter, read_address(f"{path}.subject", fields["subject"]), fields["add"])


def _recent(path: str, value: object) -> Recent:
    fields = exact_fields(path, value, ("number", "signer"), CheckpointError)
    number = read_quantity(f"{path}.number", fields["number"], _NUMBER_BITS)
    return Recent(number, read_address(f"{path}.signer", fields["signer"]))


def _list(path: str, value: object, read: Callable[[str, object], Item]) -> tuple[Item, ...]:
    if not isinstance(value, list):
        raise CheckpointError(f"{path}: must be a list")
    return tuple(read(f"{path}[{at}]", each) for at, each in enumerate(value))
