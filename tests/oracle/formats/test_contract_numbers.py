"""Numbers that formats of oracles and devices share with the contracts."""

from ledger_node.bindings.constants import Comparator as ContractComparator
from ledger_node.bindings.constants import ObservationFlag
from oracle.formats.rule import Comparator
from oracle.formats.segment import Quality


def test_a_rule_knows_every_comparator_of_the_contracts() -> None:
    assert {each.name: each.value for each in Comparator} == {each.name: each.value for each in ContractComparator}


def test_a_devices_opinion_of_a_reading_has_the_number_of_the_observations_flag() -> None:
    assert {each.name: each.value for each in Quality} == {each.name: each.value for each in ObservationFlag}
