"""Each benchmark on the smallest sizes: it does its work and says what it must; nothing is timed here."""

import pytest

from benchmarks.consortium import BenchmarkError
from benchmarks.suite import BENCHMARKS, run_all

NAMES = {
    "ledger": ["ledger.issue", "ledger.issue.cpu", "ledger.transfer", "ledger.transfer.cpu"],
    "segments": ["segments.verify", "segments.ingest", "segments.ingest.many"],
    "index": ["index.sqlite", "index.postgresql", "index.catch_up"],
    "long": ["long.sqlite", "long.sqlite.memory", "long.postgresql", "long.postgresql.memory"],
    "bundles": ["bundles.receipt", "bundles.action"],
    "headers": ["headers.qbft", "headers.clique", "headers.bundle.qbft", "headers.bundle.clique"],
    "outbox": ["outbox.writes"],
}


def test_every_benchmark_is_tested():
    assert set(BENCHMARKS) == {*NAMES, "gas"}


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_says_its_results(name, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # no geth there; tests/network has the network's benchmark
    results = list(run_all(tiny, [name]))
    assert [each.name for each in results] == NAMES[name]
    for each in results:
        assert each.measured > 0
        assert each.baseline > 0
        assert each.ratio == each.measured / each.baseline
        assert all((each.what, each.unit, each.against))
        goals = {"ledger.issue": 100.0, "headers.qbft": 1000.0}
        goals |= dict.fromkeys(["index.sqlite", "index.postgresql"], max(10_000.0, each.baseline / 2))
        goals |= dict.fromkeys(["long.sqlite", "long.postgresql"], 10_000.0)
        goals |= dict.fromkeys(["long.sqlite.memory", "long.postgresql.memory"], each.baseline + 16)
        assert each.goal == goals.get(each.name)


def test_what_begins_is_told(tiny):
    told = []
    list(run_all(tiny, ["segments", "bundles"], lambda done, name: told.append((done, name))))
    assert told == [(0, "segments"), (1, "bundles")]


def test_a_bundle_that_does_not_verify_is_no_result(tiny, tmp_path, monkeypatch):
    import benchmarks.bundles as benchmark

    spoilt = (benchmark.DATA / "receipt.bundle.json").read_bytes().replace(b'"kind":"receipt"', b'"kind":"facility"')
    (tmp_path / "receipt.bundle.json").write_bytes(spoilt)
    monkeypatch.setattr(benchmark, "DATA", tmp_path)
    with pytest.raises(BenchmarkError, match="the receipt bundle fails at step"):
        list(benchmark.run(tmp_path, tiny))
