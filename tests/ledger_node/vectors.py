"""What live QBFT validators made (tests/data): headers and state proofs, and headers of votes, epochs and rounds."""

import json
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parents[1] / "data"
QBFT: dict[str, Any] = json.loads((_DATA / "qbft_4_to_5.json").read_bytes())
VOTED: dict[str, Any] = json.loads((_DATA / "qbft_rounds_and_votes.json").read_bytes())
"""Epoch 12. A fifth is voted for before an epoch block in vain, then voted in, and out by a vote in an epoch block."""
CHANGED: dict[str, Any] = json.loads((_DATA / "qbft_transition.json").read_bytes())
"""A transition of the genesis file at block 14 replaces one of four, while two votes wait to drop another."""
