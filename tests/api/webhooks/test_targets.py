"""Where webhooks may lead: what is refused first."""

from ipaddress import ip_address, ip_network

import pytest

from api.webhooks.targets import Policy, TargetRefused

PUBLIC = "93.184.215.14"
STRICT = Policy()
LOOPBACK = Policy(loopback_http=True)
OWN_NETWORK = Policy(networks=(ip_network("10.20.0.0/16"),))


@pytest.mark.parametrize(
    "url",
    [
        "http://bank.example/hook", "ftp://bank.example", "bank.example/hook", "", "https://", "https://localhost/",
        "https://intranet/", "https://u:p@bank.example/", "https://bank.example/#part", "https://bank.example:99999/",
        "https://bank.example/a b", "https://bänk.example/", "https://bank..example/", "https://[::1/", "https://a\\b.c/",
        "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://bank.example/" + "a" * 500,
    ],
)  # fmt: skip
def test_an_address_of_another_form_is_refused(url: str):
    with pytest.raises(TargetRefused):
        STRICT.read(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("policy", [STRICT, OWN_NETWORK])
def test_an_address_that_is_not_public_is_refused_as_a_literal_and_behind_a_name(policy: Policy, address: str):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(TargetRefused, match="public address"):
        policy.read(f"https://{host}/hook")
    with pytest.raises(TargetRefused, match="public address"):
        policy.check(policy.read("https://bank.example/hook"), ip_address(address))


def test_the_flag_for_trying_out_allows_this_machine_and_no_other():
    for url in ("http://127.0.0.1:9000/hook", "http://localhost/hook", "http://[::1]:9000/hook"):
        LOOPBACK.read(url)
    for address in ("10.0.0.1", "169.254.169.254", PUBLIC):
        with pytest.raises(TargetRefused):
            LOOPBACK.read(f"http://{address}/hook")


def test_a_network_of_the_settings_is_allowed_by_https_only():
    OWN_NETWORK.read("https://10.20.3.4/hook")
    with pytest.raises(TargetRefused):
        OWN_NETWORK.read("http://10.20.3.4/hook")


def test_a_public_address_is_allowed_and_read_in_its_parts():
    target = STRICT.read("https://hooks.bank.example:8443/in?key=1")
    assert (target.host, target.port, target.path) == ("hooks.bank.example", 8443, "/in?key=1")
    assert target.authority == "hooks.bank.example:8443"
    assert target.at(ip_address(PUBLIC)) == f"https://{PUBLIC}:8443/in?key=1"
    STRICT.check(target, ip_address(PUBLIC))
    STRICT.check(target, ip_address("2606:4700:4700::1111"))
