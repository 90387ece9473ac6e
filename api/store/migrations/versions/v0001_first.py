"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.String(64), primary_key=True),
        sa.Column("login", sa.String(120), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "assertions",
        sa.Column("jti_hash", sa.String(64), primary_key=True),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("actor", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.Text),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(66), primary_key=True),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("entity", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    _parts_of_drafts()


def _parts_of_drafts() -> None:
    op.create_table(
        "consents",
        _draft(),
        sa.Column("entity", sa.BigInteger, primary_key=True),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("signer", sa.LargeBinary, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("signed_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "approvals",
        _draft(),
        sa.Column("entity", sa.BigInteger, primary_key=True),
        sa.Column("actor", sa.String(200), primary_key=True),
        sa.Column("approved_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "parties",
        _draft(),
        sa.Column("entity", sa.BigInteger, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_index("ix_parties_entity", "parties", ["entity"])
    op.create_table(
        "operations",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("draft", sa.String(66), sa.ForeignKey("drafts.id"), nullable=False),
        sa.Column("entity", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("submitted_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_operations_draft", "operations", ["draft"])


def _draft() -> sa.Column[str]:
    return sa.Column("draft", sa.String(66), sa.ForeignKey("drafts.id"), primary_key=True)
