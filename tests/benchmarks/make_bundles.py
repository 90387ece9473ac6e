"""Writes the bundles that the benchmark verifies anew: python -m tests.benchmarks.make_bundles."""

import tempfile
from pathlib import Path

from benchmarks.bundles import DATA, TRUST
from ledger_node.trust import dump_trust
from tests.registry.bundles import Bundles


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Bundles.make(Path(folder))
        made.watch.consortium.close()
    TRUST.write_bytes(dump_trust(made.trust))
    for name, text in {"receipt": made.texts["receipt"], "action": made.texts["hold"]}.items():
        (DATA / f"{name}.bundle.json").write_bytes(text)


if __name__ == "__main__":
    main()
