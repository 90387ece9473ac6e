"""What a node is called: nothing of its address that may be a credential."""

import pytest

from ledger_node.client import ChainClient
from ledger_node.node_addresses import HTTP, NAMELESS, WEBSOCKET, checked_address, node_name, node_names


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://user:hidden@127.0.0.1:1/k/hidden?x=hidden#hidden", "http://127.0.0.1:1"),
        ("https://hidden@Node.Example/v3/hidden", "https://node.example"),
        ("wss://[2001:db8::1]:8546/hidden", "wss://[2001:db8::1]:8546"),
        ("http://hidden:12/hidden@node.example", NAMELESS),
        ("http://node.example:hidden", NAMELESS),
        ("http://[hidden", NAMELESS),
        ("http://hidden hidden@node.example", NAMELESS),
        ("hidden", NAMELESS),
    ],
)
def test_a_node_is_called_by_scheme_host_and_port_alone(url: str, name: str) -> None:
    assert node_name(url) == name


def test_nodes_of_one_name_are_told_apart_by_a_number() -> None:
    urls = ("https://a/1", "https://b/1", "https://a/2", "https://a/3")
    names = ("https://a", "https://b", "https://a (2)", "https://a (3)")
    assert node_names(urls) == names
    assert tuple(each.name for each in ChainClient(urls).endpoints()) == names


@pytest.mark.parametrize(
    "url", ["http://a", "https://a_b.example:8545/v1?key=a%40b", "http://u:p@[::1]:1/", "http://节点"]
)
def test_an_address_that_a_node_can_have_is_taken_as_it_is(url: str) -> None:
    assert checked_address(url, HTTP) == url


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("", "must begin with http:// or https://"),
        ("ftp://x", "must begin with"),
        ("ws://x", "must begin with"),
        ("http:x", "must name a host"),
        ("http://", "must name a host"),
        ("http://a|b", "must name a host"),
        ("http://a:0", "a port from 1 to 65535"),
        ("http://a:99999", "a number from 1 to 65535"),
        ("http://a b", "no space"),
        ("http://a\0", "control character"),
        ("http://user:pa/ss@a", "must "),
        ("http://user:1/ss@a", "%2F"),
    ],
)
def test_an_address_that_no_node_can_have_is_refused_by_its_rule(url: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule) as refused:
        checked_address(url, HTTP)
    assert "ss" not in str(refused.value).replace("address", "")


def test_a_websocket_has_other_schemes() -> None:
    assert checked_address("wss://a", WEBSOCKET) == "wss://a"
    with pytest.raises(ValueError, match="must begin with ws:// or wss://"):
        checked_address("http://a", WEBSOCKET)
