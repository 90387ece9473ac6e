"""The tables of the API's own database. Times are milliseconds since 1970; digests are hexadecimal texts."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
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
