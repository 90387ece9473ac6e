"""The rows of one batch, gathered and then written table by table."""

from sqlalchemy import Connection, Table, insert

from ledger_node.canonical_json import dumps
from ledger_node.chain_values import Log
from ledger_node.headers import header_json
from registry.index.codec import encode
from registry.index.notices import Notice
from registry.index.refusals import Refusal
from registry.index.source import Block
from registry.index.tables import blocks, logs, notices, refusals, transitions
from registry.items import Moment
from registry.transitions import Transition

Row = dict[str, object]


class Rows:
    """The rows of one batch."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[Row]] = {}

    def write(self, connection: Connection) -> None:
        """Inserts all rows."""
        for table, rows in self._rows.items():
            connection.execute(insert(table), rows)

    def block(self, block: Block) -> None:
        """A block's row."""
        header = block.header
        row: Row = {"number": header.number, "hash": block.hash, "parent": header.parent_hash}
        text = dumps(header_json(header)).decode()
        self._add(blocks, {**row, "time": header.timestamp, "header": text, "seal": block.seal})

    def log(self, log: Log) -> None:
        """A log of one of our contracts."""
        place: Row = {"block": log.block_number, "log_index": log.log_index, "tx_index": log.transaction_index}
        what: Row = {"address": log.address, "topics": b"".join(log.topics), "data": log.data}
        self._add(logs, {**place, "tx_hash": log.transaction_hash, **what})

    def transition(self, event: Transition, head: bytes, log: Log) -> None:
        """A transition and the record's head after it."""
        place: Row = {"contract": event.contract.value, "record": event.id, "seq": event.seq, "act": event.act}
        what: Row = {"word": event.word.to_bytes(32, "big"), "data": event.data, "head": head}
        when: Row = {"block": event.at.block, "time": event.at.time, "log_index": log.log_index}
        self._add(transitions, {**place, **what, **when, "tx_hash": log.transaction_hash})

    def notice(self, notice: Notice, at: Moment) -> None:
        """What others are to be told of."""
        place: Row = {"block": at.block, "position": notice.position, "time": at.time}
        what: Row = {"event": notice.event, "kind": notice.kind, "key": notice.key, "body": notice.body}
        self._add(notices, {**place, **what})

    def refusal(self, refusal: Refusal) -> None:
        """A refused transaction."""
        place: Row = {"block": refusal.at.block, "tx_index": refusal.tx_index, "tx_hash": refusal.tx_hash}
        what: Row = {"sender": refusal.sender, "contract": refusal.contract, "act": refusal.act}
        row: Row = {**place, **what, "time": refusal.at.time, "cause": refusal.cause, "body": encode(refusal)}
        self._add(refusals, row)

    def _add(self, table: Table, row: Row) -> None:
        self._rows.setdefault(table, []).append(row)
