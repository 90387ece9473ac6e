"""Founding a consortium on a new chain: keys, contracts, oracle set, members. The operator's part, done once."""
