"""The tables of the index. A version of an item is true in blocks `valid_from` <= n < `valid_to` (null: still).

An index costs the writer more than a row does: there is one only where readers ask. What a rollback takes back is found
by its first block, and what is to be true again by the items of those versions.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

cursor = Table(
    "cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", LargeBinary(32), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("final", BigInteger, nullable=False, server_default="-1"),
)
"""One row: which chain this index follows, the last block in it, and the newest that was ever final in it (-1: none).
"""

blocks = Table(
    "blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("parent", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("header", Text, nullable=False),
    Column("seal", LargeBinary),
)
Index("blocks_by_time", blocks.c.time)

logs = Table(
    "logs",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("tx_index", Integer, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
    Column("address", LargeBinary(20), nullable=False),
    Column("topics", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

transitions = Table(
    "transitions",
    metadata,
    Column("contract", String(32), primary_key=True),
    Column("record", LargeBinary(32), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("act", Integer, nullable=False),
    Column("word", LargeBinary(32), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("head", LargeBinary(32), nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
)
Index("transitions_by_block", transitions.c.block, transitions.c.log_index)

versions = Table(
    "versions",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("valid_from", BigInteger, primary_key=True, autoincrement=False),
    Column("valid_to", BigInteger),
    Column("born", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
Index("versions_by_birth", versions.c.kind, versions.c.born, versions.c.key)
Index("versions_by_start", versions.c.valid_from)

tags = Table(
    "tags",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("tag", String(16), primary_key=True),
    Column("value", LargeBinary, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("valid_from", BigInteger, primary_key=True, autoincrement=False),
    Column("valid_to", BigInteger),
    sqlite_with_rowid=False,
)
"""What items are found by: owner, keeper, lender, receipt, ...; a row for each value while an item has it."""

refusals = Table(
    "refusals",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("tx_index", Integer, primary_key=True, autoincrement=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("sender", LargeBinary(20), nullable=False),
    Column("contract", String(32), nullable=False),
    Column("act", String(64), nullable=False),
    Column("cause", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Transactions to the consortium's contracts that were mined as refused, with their cause by name."""

notices = Table(
    "notices",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("event", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What others are to be told of; sent only once the block is final."""
