"""The tables of the API's own database. Times are milliseconds since 1970; digests are hexadecimal texts."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id_hash", String(64), primary_key=True),
    Column("login", String(120), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
ASSERTIONS = Table(
    "assertions",
    METADATA,
    Column("jti_hash", String(64), primary_key=True),
    Column("expires_ms", BigInteger, nullable=False),
)
ANSWERS = Table(
    "answers",
    METADATA,
    Column("actor", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
)
DRAFTS = Table(
    "drafts",
    METADATA,
    Column("id", String(66), primary_key=True),
    Column("act", String(32), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("entity", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("fields", Text, nullable=False),
    Column("content", Text, nullable=False),
)
CONSENTS = Table(
    "consents",
    METADATA,
    Column("draft", String(66), ForeignKey("drafts.id"), primary_key=True),
    Column("entity", BigInteger, primary_key=True),
    Column("signature", LargeBinary, nullable=False),
    Column("signer", LargeBinary, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("signed_ms", BigInteger, nullable=False),
)
APPROVALS = Table(
    "approvals",
    METADATA,
    Column("draft", String(66), ForeignKey("drafts.id"), primary_key=True),
    Column("entity", BigInteger, primary_key=True),
    Column("actor", String(200), primary_key=True),
    Column("approved_ms", BigInteger, nullable=False),
)
PARTIES = Table(
    "parties",
    METADATA,
    Column("draft", String(66), ForeignKey("drafts.id"), primary_key=True),
    Column("entity", BigInteger, primary_key=True),
    Column("position", Integer, nullable=False),
)
Index("ix_parties_entity", PARTIES.c.entity)
OPERATIONS = Table(
    "operations",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("draft", String(66), ForeignKey("drafts.id"), nullable=False),
    Column("entity", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("submitted_ms", BigInteger, nullable=False),
)
Index("ix_operations_draft", OPERATIONS.c.draft)
WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("entity", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Text),
    Column("description", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("cause", String(200), nullable=False),
    Column("secret_number", Integer, nullable=False),
    Column("old_secret_until_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("cursor_block", BigInteger, nullable=False),
    Column("cursor_position", BigInteger, nullable=False),
    Column("failing_since_ms", BigInteger),
)
"""Where members want to be told. The cursor is the last notice of the index that was looked at for it."""
Index("ix_webhooks_entity", WEBHOOKS.c.entity)
DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("webhook", String(40), ForeignKey("webhooks.id"), nullable=False),
    Column("event", String(64), nullable=False),
    Column("block", BigInteger),
    Column("position", BigInteger),
    Column("body", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("leased_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger),
    UniqueConstraint("webhook", "block", "position"),
)
"""What is to be told to a webhook: one row for each event, however often it is sent. `tries` count since it was queued
last, `attempts` all; no other process takes it up before `leased_ms`."""
Index("ix_deliveries_state", DELIVERIES.c.state, DELIVERIES.c.due_ms)
DELIVERY_ATTEMPTS = Table(
    "delivery_attempts",
    METADATA,
    Column("delivery", String(40), ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("status", Integer),
    Column("cause", String(40), nullable=False),
    Column("took_ms", Integer, nullable=False),
)
REFUSED_STEPS = Table(
    "refused_steps",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""What this service refused, in order; rows are added and never changed."""
