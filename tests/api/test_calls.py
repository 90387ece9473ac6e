"""The calls of signed acts: what has none, and the data that the contracts take."""

import pytest

from api.acts.calls import CallError, Related, Signed, call_of, packed
from ledger_node.hexvalues import data_hex
from registry import structs
from tests.api.seed import BANK, INSPECTOR, INSURER, KEEPER, OWNER

SIGNATURES = {entity: bytes([entity]) * 64 for entity in range(1, 8)}
KEYS = [b"\x21" * 32, b"\x22" * 32]
ISSUE = structs.Issue(b"\x01" * 32, OWNER, KEEPER, 1, 0, 24_560, b"\x02" * 32, b"\x03" * 32, bytes(32), 5)
PLEDGE = structs.Pledge(b"\x11" * 32, 1, OWNER, KEEPER, BANK, b"\x22" * 32, b"\x0d" * 32, 5)
FACILITY = structs.Facility(BANK, OWNER, 1, 2, 3, b"\x06" * 32, b"\x07" * 32, b"\x08" * 32, 5)


def signed(consent, *order: int, **extras: object) -> Signed:
    return Signed(consent, order, SIGNATURES, extras)


def test_an_inspection_has_no_call_of_its_own():
    with pytest.raises(CallError, match="decision"):
        call_of(signed(structs.Inspection(b"\x01" * 32, INSPECTOR, b"\x02" * 32, 5), INSPECTOR), Related())


def test_a_release_without_its_pledge_is_refused_by_name():
    with pytest.raises(CallError, match="pledge"):
        call_of(signed(structs.Release(b"\x01" * 32, 1, BANK, 5), BANK), Related())


def test_signatures_stand_in_the_order_of_the_parties():
    call = call_of(signed(PLEDGE, OWNER, KEEPER, BANK), Related())
    assert (call.contract, call.function) == ("PledgeRegistry", "pledge")
    assert call.arguments[-1] == SIGNATURES[OWNER] + SIGNATURES[KEEPER] + SIGNATURES[BANK]


def test_an_issue_carries_its_unit_keys():
    call = call_of(signed(ISSUE, OWNER, KEEPER, unitKeys=[data_hex(key) for key in KEYS]), Related())
    assert (call.function, call.arguments[1]) == ("issue", KEYS)


def test_an_issue_that_replaces_another_names_it():
    issue = structs.Issue(**{name: getattr(ISSUE, name) for name in ISSUE.__slots__} | {"replaces": b"\x01" * 32})
    keys = [data_hex(key) for key in KEYS]
    call = call_of(signed(issue, OWNER, KEEPER, unitKeys=keys, replacedUnitKeys=keys), Related(issue=ISSUE))
    assert (call.function, call.arguments[4:]) == ("replace", (ISSUE, KEYS))


def test_a_decision_packs_its_signers_and_its_inspection():
    inspection = structs.Inspection(b"\x22" * 32, INSPECTOR, b"\x02" * 32, 5)
    decision = structs.Decision(b"\x33" * 32, 1, b"\x01" * 32, b"\x02" * 32, 7)
    extras = {"facility": "0x" + "22" * 32, "facilitySeq": 3}
    call = call_of(signed(decision, BANK, INSURER, **extras), Related(inspection=inspection, inspector_signature=b"s"))
    assert call.arguments[3:6] == (inspection, b"s", BANK | INSURER << 32)
    assert packed(()) == 0


@pytest.mark.parametrize(
    "call",
    [
        call_of(signed(ISSUE, OWNER, KEEPER, unitKeys=[]), Related()),
        call_of(signed(FACILITY, BANK, OWNER), Related()),
        call_of(signed(structs.Release(b"\x01" * 32, 1, BANK, 5), BANK), Related(pledge=PLEDGE)),
        call_of(
            signed(structs.Delivery(b"\x01" * 32, 1, OWNER, KEEPER, b"\x02" * 32, 5), OWNER, KEEPER, unitKeys=[]),
            Related(issue=ISSUE),
        ),
        call_of(
            signed(structs.Decision(b"\x33" * 32, 2, b"\x01" * 32, bytes(32), 7), BANK, facility="0x" + "22" * 32,
                   facilitySeq=3),
            Related(),
        ),
        call_of(signed(structs.ClaimDecision(b"\x01" * 32, 0, 2, b"\x02" * 32, 5), INSURER), Related()),
    ],
    ids=lambda call: call.function,
)  # fmt: skip
def test_the_contracts_interface_takes_each_call(call):
    assert len(call.data()) > 4
