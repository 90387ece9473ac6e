"""Headers of live validators: what they hold, with other seals, and what following them comes to."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from coincurve import PrivateKey

from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import Outcome, verify_headers
from ledger_node.consensus.qbft import Extra, read_extra
from ledger_node.consensus.rules import Followed
from registry.index import tables
from tests.ledger_node.consensus.chains import Block, encoded, keccak, raw, text
from tests.network.indexes import Rows
from tests.qbft.validators import Network


def extra(block: Block) -> Extra:
    return read_extra(raw(block["extraData"]))


def with_seals(block: Block, seals: Sequence[bytes], **changes: Any) -> Block:
    """A header with other seals, and other parts of its extra data, without the hash that a node tells."""
    changed = replace(extra(block), seals=tuple(seals), **changes)
    bare = {name: value for name, value in block.items() if name != "hash"}
    return {**bare, "extraData": text(changed.encoded())}


def seal(block: Block, key: bytes) -> bytes:
    """The seal of a key on a header, with the round that it has."""
    digest = keccak(encoded(block, replace(extra(block), seals=()).encoded()))
    return PrivateKey(key).sign_recoverable(digest, hasher=None)


def said_of(network: Network, blocks: Sequence[Block], known: Sequence[Followed] = ()) -> Outcome:
    """What following these headers from the genesis file, or from what is known, comes to."""
    return verify_headers(file(blocks), read_genesis(network.genesis.read_bytes()), known)


def told_alike(rows: Rows) -> Rows:
    """Rows of an index with headers as hashes have them: which seals of a quorum a node keeps is its own affair."""
    at = [column.name for column in tables.blocks.columns].index("header")
    blocks = [(*row[:at], _hashed(row[at]), *row[at + 1 :]) for row in rows["blocks"]]
    return {**rows, "blocks": blocks}


def headers_in(rows: Rows) -> list[Block]:
    """The headers of an index, oldest first."""
    names = [column.name for column in tables.blocks.columns]
    number, header = names.index("number"), names.index("header")
    return [json.loads(str(row[header])) for row in sorted(rows["blocks"], key=lambda row: int(str(row[number])))]


def _hashed(header: object) -> str:
    return json.dumps(with_seals(json.loads(str(header)), (), round=0))


def file(blocks: Sequence[Block]) -> bytes:
    return json.dumps({"headers": blocks}).encode()


def where(outcome: Outcome) -> tuple[int | None, str] | None:
    return None if outcome.failure is None else (outcome.failure.at, outcome.failure.step.value)
