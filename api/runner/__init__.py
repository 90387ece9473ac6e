"""Plays scenario packs against a running product through its public interfaces only: the HTTP API and JSON-RPC."""
