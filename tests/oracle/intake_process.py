"""A process that takes the segments of a file in order, four a transaction, and tells each receipt once it has it."""

import sys
from pathlib import Path

from oracle.formats.signed import dump_receipt
from oracle.ingest import Accepted, Arrival
from tests.oracle.intake_kit import T0, SetClock, open_oracle


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(folder: Path) -> None:
    oracle = open_oracle(folder, clock=SetClock(T0 + 3_000_000))
    segments = [bytes.fromhex(line) for line in (folder / "segments.txt").read_text().split()]
    tell("ready")
    for first in range(0, len(segments), 4):
        for outcome in oracle.service.accept_many([Arrival(each, "test") for each in segments[first : first + 4]]):
            assert isinstance(outcome, Accepted), outcome
            tell(dump_receipt(outcome.receipt).decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
