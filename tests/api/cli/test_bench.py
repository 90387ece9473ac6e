import json

import pytest

from api.cli.main import run


def test_an_unknown_benchmark_is_wrong_use(capsys):
    assert run(["bench", "--only", "speed"]) == 2
    assert "speed is none of ledger, segments, gas, index, long, bundles, headers, outbox" in capsys.readouterr().err


def test_results_are_one_json_document(capsys):
    assert run(["bench", "--only", "gas", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"machine", "results"}
    first = told["results"][0]
    assert set(first) == {"name", "what", "measured", "unit", "against", "baseline", "ratio"}
    assert first["ratio"] == pytest.approx(first["measured"] / first["baseline"], rel=1e-3)


def test_the_table_names_what_is_compared(capsys):
    assert run(["bench", "--only", "gas"]) == 0
    told = capsys.readouterr().out
    assert "gas.issue.tradetrust" in told
    assert "against mint of TradeTrust token-registry" in told
