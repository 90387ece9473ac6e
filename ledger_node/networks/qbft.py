"""The files with which the validators of a plan begin a QBFT chain: Berlin rules, gas that costs nothing. Pure.

The same plan gives the same bytes, so that members who make them apart can compare one hash.
"""

import json
from collections.abc import Iterable

from ledger_node.headers import QBFT_MIX_HASH
from ledger_node.hexvalues import data_hex
from ledger_node.networks.engines import (
    COMPOSE_NAME,
    GENESIS_NAME,
    PEERS_NAME,
    SCRIPT_NAME,
    Engine,
    compose_file,
    start_script,
)
from ledger_node.networks.plan import Plan
from ledger_node.rlp_strict import rlp_list, rlp_string

_FORKS = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg", "istanbul", "berlin")


def network_files(plan: Plan, engine: Engine) -> dict[str, bytes]:
    """All files of a plan, each by its path: what all members have alike, and a folder for each validator."""
    files = {GENESIS_NAME: genesis_file(plan, engine), PEERS_NAME: peers_file(plan)}
    for each in plan.validators:
        files[f"{each.name}/{SCRIPT_NAME}"] = start_script(plan, each, engine).encode()
        files[f"{each.name}/{COMPOSE_NAME}"] = compose_file(each, engine).encode()
    return files


def genesis_file(plan: Plan, engine: Engine) -> bytes:
    """The genesis file: nobody has money, and the plan's validators are the first set."""
    config: dict[str, object] = {"chainId": plan.chain_id, **{f"{fork}Block": 0 for fork in _FORKS}}
    qbft: dict[str, object] = {
        "epochlength": plan.epoch_length,
        "blockperiodseconds": plan.block_period,
        "requesttimeoutseconds": plan.request_timeout,
    }
    if engine is Engine.GOQUORUM:
        config["isQuorum"] = True
        qbft |= {"policy": 0, "ceil2Nby3Block": 0, "maxRequestTimeoutSeconds": plan.longest_round}
    return _json(
        {
            "config": {**config, "qbft": qbft},
            "nonce": "0x0",
            "timestamp": "0x0",
            "extraData": data_hex(genesis_extra(each.address for each in plan.validators)),
            "gasLimit": hex(plan.gas_limit),
            "difficulty": "0x1",
            "mixHash": data_hex(QBFT_MIX_HASH),
            "coinbase": data_hex(bytes(20)),
            "alloc": {},
        }
    )


def genesis_extra(validators: Iterable[bytes]) -> bytes:
    """The extraData of block 0, [vanity, validators, no vote, round 0, no seals]; the set in ascending order."""
    listed = rlp_list(b"".join(rlp_string(each) for each in sorted(validators)))
    nothing, round_0 = rlp_list(b""), rlp_string(b"")
    return rlp_list(rlp_string(bytes(32)) + listed + nothing + round_0 + nothing)


def peers_file(plan: Plan) -> bytes:
    """The static nodes: all validators, also the one that reads it, which does not call itself."""
    return _json([each.enode for each in plan.validators])


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
