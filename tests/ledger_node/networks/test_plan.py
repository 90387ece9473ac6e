"""Plans of networks: what is refused by name, and what an accepted host can never hold."""

import ipaddress
import json
import re
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger_node.networks.plan import PlanError, parse_plan
from tests.ledger_node.consensus.chains import address, by_address
from tests.ledger_node.networks.plans import document, parsed, validator, with_one


def refused(plan: object) -> str:
    with pytest.raises(PlanError) as caught:
        parse_plan(json.dumps(plan).encode())
    return str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[]", b'{"format": 1, "format": 2}', b"\xff", b'{"gasLimit": 1.5}'])
def test_what_is_no_plan_is_refused(text: bytes) -> None:
    with pytest.raises(PlanError, match="^plan"):
        parse_plan(text)


@pytest.mark.parametrize("name", sorted(document()))
def test_a_field_that_is_missing_is_named(name: str) -> None:
    plan = document()
    del plan[name]
    assert refused(plan) == f"plan.{name}: is missing"


@pytest.mark.parametrize("name", sorted(validator(1)))
def test_a_field_of_a_validator_that_is_missing_is_named(name: str) -> None:
    plan = document()
    del plan["validators"][2][name]
    assert refused(plan) == f"plan.validators[2].{name}: is missing"


def test_unknown_fields_are_named() -> None:
    assert refused(document(alloc={})) == "plan.alloc: is unknown"
    assert refused(with_one(1, privateKey="0x00")) == "plan.validators[1].privateKey: is unknown"


def test_another_format_is_refused() -> None:
    assert refused(document(format="cangdan/network-plan/2")) == "plan.format: must be cangdan/network-plan/1"


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("chainId", 2, 2**53 - 1),
        ("blockPeriodSeconds", 1, 2),
        ("epochLength", 8, 2**31 - 1),
        ("requestTimeoutSeconds", 2, 3600),
        ("gasLimit", 10_000_000, 2**40),
    ],
)
def test_numbers_beyond_their_bounds_are_refused(name: str, low: int, high: int) -> None:
    for value in (low - 1, "7", True, None):
        assert refused(document(**{name: value})).startswith(f"plan.{name}: must be an integer between {low} and ")
    for value in (low, high):
        parsed(document(**{name: value}))


def test_a_round_lasts_two_block_periods_at_least() -> None:
    assert refused(document(blockPeriodSeconds=5, requestTimeoutSeconds=9)) == (
        "plan.requestTimeoutSeconds: must be an integer between 10 and 3600"
    )


def test_an_epoch_gives_each_validator_two_turns_to_vote() -> None:
    assert "between 10 and" in refused(document(1, 2, 3, 4, 5, epochLength=9))


@pytest.mark.parametrize("validators", [{}, "four", [], [validator(each) for each in (1, 2, 3)]])
def test_fewer_than_four_validators_are_refused(validators: object) -> None:
    assert refused(document(validators=validators)).startswith("plan.validators: must be a list of at least 4: ")


@pytest.mark.parametrize("name", ["", "A", "1st", "-a", "a-", "a.b", "a/b", "..", "a b", "a" * 33, "a\n", "é", 7, None])
def test_a_name_that_is_no_label_is_refused(name: object) -> None:
    assert refused(with_one(1, name=name)).startswith("plan.validators[1].name: must be 1 to 32 ")


@pytest.mark.parametrize("key", ["", "0x", "0x" + "11" * 63, "0x" + "11" * 65, "04" + "11" * 64, 7, None])
def test_a_key_of_another_form_is_refused(key: object) -> None:
    assert refused(with_one(0, publicKey=key)).startswith("plan.validators[0].publicKey: must be ")


@pytest.mark.parametrize("key", ["0x" + "00" * 64, "0x" + "11" * 64])
def test_a_key_that_is_no_point_of_the_curve_is_refused(key: str) -> None:
    assert refused(with_one(0, publicKey=key)) == "plan.validators[0].publicKey: is no point of the curve secp256k1"


@pytest.mark.parametrize("name", ["port", "rpcPort", "wsPort"])
@pytest.mark.parametrize("port", [0, 1023, 65_536, "8545", True])
def test_a_port_that_cannot_be_bound_is_refused(name: str, port: object) -> None:
    assert refused(with_one(3, **{name: port})) == (
        f"plan.validators[3].{name}: must be an integer between 1024 and 65535"
    )


@pytest.mark.parametrize(
    "host",
    [
        *(
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "-a",
            "a-",
            "A.example",
            "a_b",
            "a b",
            "a\n",
            "a:1",
            "é.example",
            "a" * 64,
            None,
        ),
        *("1.2.3", "127.1", "0x7f.0x1", "1", "010.0.0.1", "10.0.0.256", "10.0.0.1/8", "[::1]", "1.2.3.4:5"),
        *("$(id)", "a;b", "a'b", 'a"b', "a`b`", "#a", "{a}", "*a", "a@b", "a?b", "a/b", ".".join(["a" * 63] * 4)),
    ],
)
def test_a_host_that_is_neither_name_nor_address_is_refused(host: object) -> None:
    assert refused(with_one(1, host=host)).startswith("plan.validators[1].host: must be ")


@pytest.mark.parametrize("host", ["::FFFF", "0:0::1", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_another_spelling_of_an_address_is_refused(host: str) -> None:
    assert "shortest form" in refused(with_one(1, host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "224.0.0.1", "ff02::1"])
def test_an_address_of_no_single_machine_is_refused(host: str) -> None:
    assert refused(with_one(1, host=host)) == "plan.validators[1].host: must be the address of one machine"


def test_doubles_are_refused_and_both_places_are_named() -> None:
    first = validator(1)
    assert refused(with_one(2, name=first["name"])) == (
        "plan.validators[2].name: is that of plan.validators[0].name already"
    )
    assert refused(with_one(2, publicKey=first["publicKey"])) == (
        "plan.validators[2].publicKey: is that of plan.validators[0].publicKey already"
    )
    assert refused(with_one(2, host=first["host"])) == (
        "plan.validators[2].port: is that of plan.validators[0].port already"
    )
    one_machine = {"host": first["host"], "port": 30_304, "rpcPort": 30_303}
    assert (
        refused(with_one(2, **one_machine)) == "plan.validators[2].rpcPort: is that of plan.validators[0].port already"
    )
    assert refused(with_one(2, wsPort=8545)) == (
        "plan.validators[2].wsPort: is that of plan.validators[2].rpcPort already"
    )


def test_validators_stand_in_the_order_of_their_addresses() -> None:
    plan = parsed(document(4, 3, 2, 1, 5))
    assert [each.address for each in plan.validators] == [address(each) for each in by_address(1, 2, 3, 4, 5)]


@pytest.mark.parametrize(("count", "faulty"), [(4, 1), (6, 1), (7, 2), (10, 3)])
def test_a_third_of_the_others_may_fail(count: int, faulty: int) -> None:
    assert parsed(document(*range(1, count + 1))).faulty == faulty


@pytest.mark.parametrize(
    ("host", "reached"),
    [("10.0.0.9", "10.0.0.9:30303"), ("node.example", "node.example:30303"), ("2001:db8::1", "[2001:db8::1]:30303")],
)
def test_an_enode_says_the_key_and_where_it_is_reached(host: str, reached: str) -> None:
    public = validator(1)["publicKey"][2:]
    enodes = [each.enode for each in parsed(with_one(0, host=host)).validators]
    assert f"enode://{public}@{reached}?discport=0" in enodes


@given(st.one_of(st.text(max_size=20), st.from_regex(re.compile(r"[a-z0-9.:%$\[\]'\"\\ -]{0,20}"), fullmatch=True)))
@example("127.0.0.1\n")
def test_an_accepted_host_is_one_machine_and_holds_nothing_else(host: str) -> None:
    try:
        plan = parsed(with_one(0, host=host))
    except PlanError:
        return
    assert re.fullmatch(r"[a-z0-9.:-]+", host)
    [enode] = [each.enode for each in plan.validators if each.name == "member-1"]
    split = urlsplit(enode)
    assert (split.scheme, split.hostname, split.port, split.query) == ("enode", host, 30303, "discport=0")


@given(st.ip_addresses())
def test_addresses_are_taken_in_their_shortest_form(host: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped is not None
    if host.is_unspecified or host.is_multicast or mapped:
        assert "host: must be" in refused(with_one(0, host=str(host)))
        return
    plan = parsed(with_one(0, host=str(host)))
    assert str(host) in [each.host for each in plan.validators]
    assert not any(each.by_name for each in plan.validators)
