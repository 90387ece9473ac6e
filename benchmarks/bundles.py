"""The offline check of bundles, beside the bare cost of the hashes and signature checks that it rests on."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.consortium import BenchmarkError
from benchmarks.primitives import watch
from benchmarks.result import Result, Sizes, both, processor_seconds
from ledger_node.trust import parse_trust
from registry.evidence.verify import verify_bundle

DATA = Path(__file__).parent / "data"
TRUST = DATA / "trust.json"
BUNDLES = {"receipt": "a receipt with its whole history", "action": "a hold, from signed readings to the rule"}
"""Files NAME.bundle.json of DATA; tests/benchmarks/make_bundles.py writes them anew when the format changes."""
_TIMES = 10


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Milliseconds of processor time for each of the bundles, files already read."""
    del folder
    trust = parse_trust(TRUST.read_bytes())
    for name, what in BUNDLES.items():
        text = (DATA / f"{name}.bundle.json").read_bytes()

        def check(text: bytes = text, name: str = name) -> None:
            verdict = verify_bundle(text, trust)
            if not verdict.ok:
                failed = verdict.steps[-1]
                raise BenchmarkError(f"the {name} bundle fails at step {failed.name.value}: {failed.says}")

        done = watch(check)
        whole, bare = both(
            sizes.rounds,
            lambda check=check: processor_seconds(lambda: [check() for _ in range(_TIMES)]),  # type: ignore[misc]
            lambda done=done: processor_seconds(lambda: [done.run() for _ in range(_TIMES)]),  # type: ignore[misc]
        )
        against = f"its {done.hashed} hashes and {done.checked} signature checks alone"
        full = f"{what}: {len(text)} bytes verified"
        yield Result(f"bundles.{name}", full, 1000 * whole / _TIMES, "ms", against, 1000 * bare / _TIMES)
