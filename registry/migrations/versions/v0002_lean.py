"""Bodies in CBOR, tags with their own validity, and no index that nobody asks.

The index is derived from the chain: what an older one holds is dropped, and read from the chain again.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
_CHANGED = ("logs", "notices", "refusals", "tags", "versions")
_KEPT = ("blocks", "cursor", "transitions")


def upgrade() -> None:
    """Makes the tables anew, empty."""
    for table in _CHANGED:
        op.drop_table(table)
    for table in _KEPT:
        op.execute(f"DELETE FROM {table}")
    op.create_table(
        "logs",
        _key("block", sa.BigInteger()),
        _key("log_index", sa.Integer()),
        sa.Column("tx_index", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("topics", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notices",
        _key("block", sa.BigInteger()),
        _key("position", sa.Integer()),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refusals",
        _key("block", sa.BigInteger()),
        _key("tx_index", sa.Integer()),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.LargeBinary(length=20), nullable=False),
        sa.Column("contract", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    _projections()


def downgrade() -> None:
    """Refused by name: the older form is made by an older version in a database of its own."""
    raise RuntimeError("an index is not brought back to an older form; give the older version a database of its own")


def _projections() -> None:
    op.create_table(
        "tags",
        _key("kind", sa.String(length=16)),
        _key("tag", sa.String(length=16)),
        _key("value", sa.LargeBinary()),
        _key("key", sa.LargeBinary()),
        _key("valid_from", sa.BigInteger()),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "versions",
        _key("kind", sa.String(length=16)),
        _key("key", sa.LargeBinary()),
        _key("valid_from", sa.BigInteger()),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("born", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("versions_by_birth", "versions", ["kind", "born", "key"], unique=False)
    op.create_index("versions_by_start", "versions", ["valid_from"], unique=False)


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)
