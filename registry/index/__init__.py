"""The index: blocks, logs and projections of the chain in a database, as of any block."""
