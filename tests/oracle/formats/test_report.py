"""Reports and proposals on the wire: refusals, then that what is written is read back."""

from typing import Any

import pytest

from ledger_node import canonical_json
from oracle.formats.fields import FieldError, Fields
from oracle.formats.report import Proposal, proposal_from_json, proposal_to_json, report_from_json, report_to_json
from tests.oracle.judgement_kit import CONFIG, DAY, ORACLE_SIGNERS, observed, report, schema


def wire(value: object) -> Any:
    return canonical_json.loads(canonical_json.dumps(value))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("slot", "1", "report.slot: must be a whole number"),
        ("signature", "0x00", "report.signature: must be 64 bytes"),
        ("observations", [], "report.observations: must be a list of 1"),
        ("logSize", -1, "report.logSize: must be a whole number"),
        ("note", "x", "report.note: is unknown"),
        ("slot", DAY + 1, "report.observations: must be of the report's schema and slot"),
    ],
)
def test_a_bad_report_is_refused_by_field(name: str, value: object, rule: str) -> None:
    given = wire(report_to_json(report(0, observed(1))))
    given[name] = value
    with pytest.raises(FieldError, match=rule):
        report_from_json(Fields(given, "report"))


@pytest.mark.parametrize(
    ("name", "value"), [("flag", 5), ("value", "01"), ("value", 1), ("value", str(1 << 63)), ("count", -1)]
)
def test_a_bad_observation_is_refused_by_field(name: str, value: object) -> None:
    given = wire(report_to_json(report(0, observed(1))))
    given["observations"][0][name] = value
    with pytest.raises(FieldError, match=rf"report\.observations\[0\]\.{name}: must be"):
        report_from_json(Fields(given, "report"))


def test_a_report_is_read_back() -> None:
    made = report(0, observed(-(1 << 63)))
    assert report_from_json(Fields(wire(report_to_json(made)), "report")) == made


def test_a_proposal_is_read_back() -> None:
    made = Proposal(schema().id, DAY, 2, (report(0, observed(1)), report(1, observed(2)))).signed(
        CONFIG, ORACLE_SIGNERS[0]
    )
    assert proposal_from_json(Fields(wire(proposal_to_json(made)), "proposal")) == made
