"""The headers and state proofs that live QBFT validators made (tests/data/qbft_4_to_5.json)."""

import json
from pathlib import Path
from typing import Any

QBFT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "qbft_4_to_5.json").read_bytes())
