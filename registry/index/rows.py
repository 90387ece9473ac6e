"""The rows of one batch, gathered and then written table by table."""

import json

from sqlalchemy import Connection, Table

from ledger_node.chain_values import Log
from ledger_node.headers import header_json
from registry.acts import Contract
from registry.index.bulk import Row, insert_rows
from registry.index.codec import encode
from registry.index.notices import Notice
from registry.index.refusals import Refusal
from registry.index.source import Block
from registry.index.tables import blocks, logs, notices, refusals, transitions
from registry.items import Moment
from registry.transitions import Transition

_NAMES = {contract: contract.value for contract in Contract}


class Rows:
    """The rows of one batch, each in the order of its table's columns."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[Row]] = {table: [] for table in (blocks, logs, transitions, refusals, notices)}

    def write(self, connection: Connection) -> None:
        """Inserts all rows."""
        for table, rows in self._rows.items():
            if rows:
                insert_rows(connection, table, rows)

    def block(self, block: Block) -> None:
        """A block's row."""
        header = block.header
        text = json.dumps(header_json(header))
        row = (header.number, block.hash, header.parent_hash, header.timestamp, text, block.seal)
        self._rows[blocks].append(row)

    def log(self, log: Log) -> None:
        """A log of one of our contracts."""
        place = (log.block_number, log.log_index, log.transaction_index, log.transaction_hash)
        self._rows[logs].append((*place, log.address, b"".join(log.topics), log.data))

    def transition(self, event: Transition, head: bytes, log: Log) -> None:
        """A transition and the record's head after it."""
        what = (
            _NAMES[event.contract],
            event.id,
            event.seq,
            event.act,
            event.word.to_bytes(32, "big"),
            event.data,
            head,
        )
        self._rows[transitions].append((*what, event.at.block, event.at.time, log.log_index, log.transaction_hash))

    def notice(self, notice: Notice, at: Moment) -> None:
        """What others are to be told of."""
        row = (at.block, notice.position, at.time, notice.event, notice.kind, notice.key, notice.body)
        self._rows[notices].append(row)

    def refusal(self, refusal: Refusal) -> None:
        """A refused transaction."""
        place = (refusal.at.block, refusal.tx_index, refusal.tx_hash, refusal.at.time, refusal.sender)
        what = (refusal.contract, refusal.act, refusal.cause, encode(refusal))
        self._rows[refusals].append((*place, *what))
