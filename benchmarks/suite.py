"""The benchmarks by name, and how they are run."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import bundles, gas, headers, index, ledger, outbox, segments
from benchmarks.result import Result, Sizes

Benchmark = Callable[[Path, Sizes], Iterator[Result]]
BENCHMARKS: dict[str, Benchmark] = {
    "ledger": ledger.run,
    "segments": segments.run,
    "gas": gas.run,
    "index": index.run,
    "long": index.run_long,
    "bundles": bundles.run,
    "headers": headers.run,
    "outbox": outbox.run,
}
"""Each works in a folder of its own, on the disk, and yields a result as soon as it has it."""


def run_all(
    sizes: Sizes, names: Sequence[str] = tuple(BENCHMARKS), tell: Callable[[int, str], None] = lambda done, name: None
) -> Iterator[Result]:
    """The results of the benchmarks named. Raises BenchmarkError, LedgerError.

    `tell` hears how many are done and which one begins.
    """
    for done, name in enumerate(names):
        tell(done, name)
        with tempfile.TemporaryDirectory(prefix="cangdan-bench-") as folder:
            yield from BENCHMARKS[name](Path(folder) / name, sizes)
