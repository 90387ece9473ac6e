"""The tables of an oracle's database, and how a file of an older version becomes one of this."""

SCHEMA_VERSION = 2
_SETS = """
CREATE TABLE oracle_sets (epoch INTEGER PRIMARY KEY, digest BLOB NOT NULL, chain_id INTEGER NOT NULL,
    hub BLOB NOT NULL, f INTEGER NOT NULL, oracles BLOB NOT NULL) STRICT;
"""
_ROUNDS = """
CREATE TABLE proposals (schema BLOB NOT NULL, slot INTEGER NOT NULL, epoch INTEGER NOT NULL, root BLOB NOT NULL,
    attempt INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (schema, slot, epoch, root)) STRICT, WITHOUT ROWID;
CREATE TABLE signed (schema BLOB NOT NULL, slot INTEGER NOT NULL, epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,
    root BLOB NOT NULL, PRIMARY KEY (schema, slot, epoch, attempt)) STRICT, WITHOUT ROWID;
"""
TABLES = (
    """
CREATE TABLE origin (only INTEGER PRIMARY KEY CHECK (only = 0), name TEXT NOT NULL) STRICT;
CREATE TABLE entries (
    place INTEGER PRIMARY KEY, device BLOB NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL UNIQUE,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, arrived_ms INTEGER NOT NULL, source TEXT NOT NULL,
    sealed BLOB NOT NULL, UNIQUE (device, seq)
) STRICT;
CREATE INDEX entries_by_time ON entries (device, last_ms);
CREATE TABLE nodes (level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place))
    STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
    device BLOB PRIMARY KEY, seq INTEGER NOT NULL, digest BLOB NOT NULL, boot INTEGER NOT NULL,
    mono_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
    id INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,
    source TEXT NOT NULL, device BLOB, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    count INTEGER NOT NULL, sealed BLOB, UNIQUE (digest, reason, source)
) STRICT;
CREATE INDEX refusals_by_device ON refusals (device, id);
CREATE TABLE equivocations (
    device BLOB NOT NULL, kid BLOB NOT NULL, seq INTEGER NOT NULL, logged BLOB NOT NULL, other BLOB NOT NULL,
    time_ms INTEGER NOT NULL, PRIMARY KEY (device, kid)
) STRICT, WITHOUT ROWID;
CREATE TABLE fleets (
    id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, fleet_root BLOB NOT NULL, revocation_root BLOB NOT NULL,
    body BLOB NOT NULL, accepted_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE peers (
    oracle BLOB PRIMARY KEY, size INTEGER NOT NULL, frontier BLOB NOT NULL, note TEXT NOT NULL,
    pulled_ms INTEGER NOT NULL, waiting_ms INTEGER, split_note TEXT
) STRICT, WITHOUT ROWID;
"""
    """
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE schemas (id BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE covenants (facility BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (schema BLOB NOT NULL, slot INTEGER NOT NULL, reported INTEGER NOT NULL,
    PRIMARY KEY (schema, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE reports (serial INTEGER PRIMARY KEY, schema BLOB NOT NULL, slot INTEGER NOT NULL,
    oracle BLOB NOT NULL, own INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (schema, slot, oracle)) STRICT;
CREATE INDEX own_reports ON reports (serial) WHERE own = 1;
CREATE INDEX peer_reports ON reports (oracle) WHERE own = 0;
CREATE TABLE open_slots (schema BLOB NOT NULL, slot INTEGER NOT NULL, made_ms INTEGER NOT NULL,
    PRIMARY KEY (schema, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE anchored (serial INTEGER PRIMARY KEY, schema BLOB NOT NULL, slot INTEGER NOT NULL,
    root BLOB NOT NULL, body BLOB, epoch INTEGER NOT NULL, UNIQUE (schema, slot)) STRICT;
CREATE INDEX anchored_bare ON anchored (serial) WHERE body IS NULL;
CREATE TABLE faults (id INTEGER PRIMARY KEY, oracle BLOB NOT NULL, schema BLOB NOT NULL,
    slot INTEGER NOT NULL, attempt INTEGER NOT NULL, fault TEXT NOT NULL, one BLOB NOT NULL, other BLOB NOT NULL,
    time_ms INTEGER NOT NULL, UNIQUE (oracle, one, other)) STRICT;
CREATE TABLE firings (facility BLOB NOT NULL, rule INTEGER NOT NULL, last_slot INTEGER NOT NULL,
    digest BLOB NOT NULL, found_ms INTEGER NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (facility, rule, last_slot)) STRICT, WITHOUT ROWID;
""" + _ROUNDS + _SETS
)
# Before version 2 rounds of one set only could be kept. The chain is read again from its first block, which tells of
# each round by which set it was signed.
_FROM_1 = (
    """
ALTER TABLE anchored ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE proposals RENAME TO old_proposals;
ALTER TABLE signed RENAME TO old_signed;
"""
    + _ROUNDS
    + _SETS
    + """
INSERT INTO proposals SELECT schema, slot, 1, root, attempt, body FROM old_proposals;
INSERT INTO signed SELECT schema, slot, 1, attempt, root FROM old_signed;
DROP TABLE old_proposals;
DROP TABLE old_signed;
DELETE FROM marks WHERE name = 'anchored until';
CREATE INDEX peer_reports ON reports (oracle) WHERE own = 0;
CREATE INDEX refusals_by_device ON refusals (device, id);
"""
)
MIGRATIONS = {1: _FROM_1}
"""By version, the statements that lead to the next one."""


def statements(script: str) -> list[str]:
    """The statements of a script, which has none within a text."""
    return [each for each in (part.strip() for part in script.split(";")) if each]
