"""Webhooks, their deliveries and attempts. Kept answers are sealed from now on: the open ones are forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; a forgotten answer is made again by the write itself, which has no second effect."""
    op.execute("DELETE FROM answers")
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("entity", sa.BigInteger, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.Text),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("secret_number", sa.Integer, nullable=False),
        sa.Column("old_secret_until_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("cursor_block", sa.BigInteger, nullable=False),
        sa.Column("cursor_position", sa.BigInteger, nullable=False),
        sa.Column("failing_since_ms", sa.BigInteger),
    )
    op.create_index("ix_webhooks_entity", "webhooks", ["entity"])
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("webhook", sa.String(40), sa.ForeignKey("webhooks.id"), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("block", sa.BigInteger),
        sa.Column("position", sa.BigInteger),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("leased_ms", sa.BigInteger, nullable=False),
        sa.Column("done_ms", sa.BigInteger),
        sa.UniqueConstraint("webhook", "block", "position"),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state", "due_ms"])
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery", sa.String(40), sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("cause", sa.String(40), nullable=False),
        sa.Column("took_ms", sa.Integer, nullable=False),
    )
