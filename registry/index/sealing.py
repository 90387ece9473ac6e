"""Headers of the index's last blocks, for whoever looks at who sealed them."""

from sqlalchemy import select

from ledger_node.canonical_json import loads
from ledger_node.consensus.turns import Sealed
from ledger_node.headers import read_header
from registry.index.queries import Snapshot
from registry.index.tables import blocks


def last_headers(snapshot: Snapshot, limit: int) -> tuple[Sealed, ...]:
    """At most `limit` headers up to the snapshot's block, oldest first, with their seals."""
    query = select(blocks.c.header, blocks.c.hash, blocks.c.seal).where(blocks.c.number <= snapshot.block.number)
    with snapshot.connection() as connection:
        rows = connection.execute(query.order_by(blocks.c.number.desc()).limit(limit)).all()
    return tuple(
        Sealed(read_header(loads(row.header.encode())), bytes(row.hash), None if row.seal is None else bytes(row.seal))
        for row in reversed(rows)
    )
