"""The index keeps which block is final: a shorter chain must not let a deeper one be replaced.

Which blocks of an older index are final is for its indexer to say, which does so at its start.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the column; what the index holds stays."""
    op.add_column("cursor", sa.Column("final", sa.BigInteger(), nullable=False, server_default="-1"))


def downgrade() -> None:
    """Refused by name: the older form is made by an older version in a database of its own."""
    raise RuntimeError("an index is not brought back to an older form; give the older version a database of its own")
