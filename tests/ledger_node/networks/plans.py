"""Plans as members write them: who validates is a person of the tests' chains, whose key anybody can derive."""

import json
from typing import Any

from ledger_node.networks.plan import FORMAT, Plan, parse_plan
from tests.ledger_node.consensus.chains import key, text

Document = dict[str, Any]


def validator(person: int, **changes: object) -> Document:
    """The entry of a person, at a machine of its own."""
    public = text(key(person).public_key.format(compressed=False)[1:])
    entry = {"name": f"member-{person}", "publicKey": public, "host": f"10.0.0.{person}", "port": 30303}
    return {**entry, "rpcPort": 8545, "wsPort": 8546, **changes}


def document(*persons: int, **changes: object) -> Document:
    """A plan of these persons, four when none is named."""
    rules = {"chainId": 7, "blockPeriodSeconds": 1, "epochLength": 30_000, "requestTimeoutSeconds": 4}
    validators = [validator(each) for each in persons or (1, 2, 3, 4)]
    return {"format": FORMAT, **rules, "gasLimit": 30_000_000, "validators": validators, **changes}


def with_one(place: int, **changes: object) -> Document:
    """A plan with an entry of it changed."""
    plan = document()
    plan["validators"][place] |= changes
    return plan


def parsed(plan: Document) -> Plan:
    return parse_plan(json.dumps(plan).encode())
