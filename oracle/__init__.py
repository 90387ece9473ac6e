"""Devices to verdicts: formats, ingest, log, agreement, rules and rounds."""
