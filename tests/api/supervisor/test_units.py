"""Reports and waits of the supervisor."""

import pytest

from api.supervisor.units import Phase, Report, UnitReport, UnitState, backoff, report_from_json


@pytest.mark.parametrize("text", ["[]", "{}", '{"phase": "ready"}', "no json", '{"phase":"odd","pid":1,"error":""}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        report_from_json(text)


def test_a_report_is_read_back_as_written() -> None:
    unit = UnitReport("ledger", UnitState.RESTARTING, 12, 3, 1.5, -9, "ledger.log")
    report = Report(Phase.READY, 11, "", (unit,))
    assert report_from_json(report.to_json()) == report


def test_ready_counts_what_runs_and_what_is_done() -> None:
    states = (UnitState.READY, UnitState.DONE, UnitState.STARTING, UnitState.FAILED)
    units = tuple(UnitReport(str(state), state, None, 0, 0.0, None, "") for state in states)
    assert Report(Phase.STARTING, 1, "", units).ready == 2


def test_the_wait_doubles_with_each_failure_up_to_the_limit() -> None:
    assert [backoff(failures, 0.5, 3.0) for failures in (1, 2, 3, 4, 1000)] == [0.5, 1.0, 2.0, 3.0, 3.0]
