"""Scripts and compose files: the arguments that an engine gets, and what a container may do."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_node.networks.engines import Engine, compose_file, start_script
from ledger_node.networks.plan import Plan, Validator
from ledger_node.networks.qbft import network_files
from tests.ledger_node.networks.plans import document, parsed, validator, with_one

LABEL = st.from_regex(r"[a-z](?:[a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NAMES = LABEL | st.sampled_from(["no", "null", "true", "on", "y", "e3", "exec", "if", "done"])
HOSTS = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PORTS = st.lists(st.integers(1024, 65_535), min_size=3, max_size=3, unique=True)
BESU = [
    "--data-path=data",
    "--data-storage-format=FOREST",
    "--genesis-file=../genesis.json",
    "--static-nodes-file=../static-nodes.json",
    "--network-id=7",
    "--sync-mode=FULL",
    "--discovery-enabled=false",
    "--p2p-port=30303",
    "--remote-connections-limit-enabled=false",
    "--min-gas-price=0",
    "--target-gas-limit=30000000",
    "--tx-pool=sequenced",
    "--tx-pool-limit-by-account-percentage=1",
    "--rpc-http-enabled=true",
    "--rpc-http-port=8545",
    "--rpc-http-api=ETH,NET,WEB3,QBFT",
    "--rpc-ws-enabled=true",
    "--rpc-ws-port=8546",
    "--rpc-ws-api=ETH,NET,WEB3",
]
GOQUORUM = [
    "--datadir=data",
    "--networkid=7",
    "--port=30303",
    "--nat=none",
    "--syncmode=full",
    "--gcmode=archive",
    "--http.port=8545",
    "--http.api=eth,net,web3,istanbul",
    "--ws.port=8546",
    "--ws.api=eth,net,web3",
    "--miner.gasprice=0",
    "--miner.gaslimit=30000000",
    "--miner.recommit=16s",
]


ODD = "a b$(id)'\"*;`x`"


def called(folder: Path, script: str, *arguments: str, **variables: str) -> list[list[str]]:
    """What an executable is called with by a script, call by call: where it was, and its arguments."""
    home = folder / "a member's"
    home.mkdir(exist_ok=True)
    (home / "start.sh").write_text(script)
    for name in ("node.key", ODD):
        (home / name).touch()
    (folder / "genesis.json").touch()
    (folder / "static-nodes.json").write_text("[]")
    stub, told = folder / "stub", folder / "told"
    stub.write_text(f"#!/bin/sh\n{{ printf '%s\\0' \"$PWD\" \"$@\"; printf '\\n\\0'; }} >> '{told}'\n")
    stub.chmod(0o700)
    told.write_text("")
    subprocess.run(["sh", "-n", home / "start.sh"], check=True, timeout=60)
    variables = {"PATH": os.environ["PATH"], "NODE_BINARY": str(stub), **variables}
    subprocess.run(["sh", "a member's/start.sh", *arguments], check=True, cwd=folder, env=variables, timeout=60)
    return [call.rstrip("\0").split("\0") for call in told.read_text().split("\n\0")[:-1]]


def the_first(plan: Plan) -> Validator:
    """The entry that a test changed: that of person 1, whatever its name is."""
    return next(each for each in plan.validators if each.public_key.hex() == validator(1)["publicKey"][2:])


@pytest.mark.parametrize("engine", Engine)
def test_a_node_without_its_key_is_not_started(tmp_path: Path, engine: Engine) -> None:
    plan = parsed(document())
    (tmp_path / "start.sh").write_text(start_script(plan, plan.validators[0], engine))
    variables = {"PATH": os.environ["PATH"], "NODE_BINARY": "/bin/false"}
    done = subprocess.run(["sh", "start.sh"], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "start.sh: node.key is missing: the key that cangdan chain node-key made\n"
    assert [each.name for each in tmp_path.iterdir()] == ["start.sh"]


def test_besu_gets_what_its_reference_asks_for(tmp_path: Path) -> None:
    plan = parsed(document())
    [(where, *arguments)] = called(tmp_path, start_script(plan, plan.validators[0], Engine.BESU))
    hosts = ["--rpc-http-host=127.0.0.1", "--rpc-ws-host=127.0.0.1"]
    assert arguments == [*BESU, "--node-private-key-file=node.key", *hosts]
    assert where == str(tmp_path / "a member's")


def test_goquorum_gets_block_0_and_peers_before_it_starts(tmp_path: Path) -> None:
    plan = parsed(document())
    first, (_, *arguments) = called(tmp_path, start_script(plan, plan.validators[0], Engine.GOQUORUM))
    assert first[1:] == ["--datadir=data", "init", "../genesis.json"]
    hosts = ["--nodekey=node.key", "--http.addr=127.0.0.1", "--ws.addr=127.0.0.1"]
    assert arguments == [*GOQUORUM, *hosts, "--nodiscover", "--ipcdisable", "--http", "--ws", "--mine"]
    assert (tmp_path / "a member's" / "data" / "static-nodes.json").read_text() == "[]"


@pytest.mark.parametrize("engine", Engine)
def test_variables_and_arguments_pass_as_they_are(tmp_path: Path, engine: Engine) -> None:
    plan = parsed(document())
    script = start_script(plan, plan.validators[0], engine)
    arguments = called(tmp_path, script, "--more", ODD, NODE_KEY=ODD, RPC_HOST="::1")[-1]
    assert arguments[-2:] == ["--more", ODD]
    assert len([each for each in arguments if each.endswith(f"={ODD}") and "key" in each]) == 1
    assert len([each for each in arguments if each.endswith("=::1")]) == 2


def test_a_script_runs_where_it_lies_whatever_path_the_shell_looks_along(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "a member's").mkdir(parents=True)
    plan = parsed(document())
    script = start_script(plan, plan.validators[0], Engine.BESU)
    [(where, *_)] = called(tmp_path, script, CDPATH=str(tmp_path / "elsewhere"))
    assert where == str(tmp_path / "a member's")


@pytest.mark.parametrize(
    ("hosts", "flags"),
    [
        (["10.0.0.1", "10.0.0.2", "10.0.0.3", "::1"], []),
        (["a", "b", "c", "10.0.0.4"], ["--Xdns-enabled=true", "--Xdns-update-enabled=false"]),
        (["a", "b", "c", "d.example"], ["--Xdns-enabled=true", "--Xdns-update-enabled=true"]),
    ],
)
def test_besu_looks_names_up_only_where_there_are_some(tmp_path: Path, hosts: list[str], flags: list[str]) -> None:
    entries = [validator(at + 1, host=host) for at, host in enumerate(hosts)]
    plan = parsed(document(validators=entries))
    [arguments] = called(tmp_path, start_script(plan, plan.validators[0], Engine.BESU))
    assert [each for each in arguments if "Xdns" in each] == flags


@pytest.mark.parametrize("engine", Engine)
def test_a_container_can_write_nothing_but_its_data_and_is_reached_by_peers_alone(engine: Engine) -> None:
    compose = yaml.safe_load(compose_file(parsed(document()).validators[0], engine))
    service = compose["services"]["validator"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "${NODE_USER:-1000:1000}"
    assert [each["target"][-5:] for each in service["volumes"] if not each["read_only"]] == ["/data"]
    assert [each.get("host_ip") for each in service["ports"]] == [None, "127.0.0.1", "127.0.0.1"]
    assert "privileged" not in service
    assert "network_mode" not in service


@pytest.mark.parametrize(
    ("engine", "image"),
    [(Engine.BESU, "hyperledger/besu:26.3.0"), (Engine.GOQUORUM, "quorumengineering/quorum:24.4.1")],
)
def test_the_image_is_of_one_version_unless_a_member_says_another(engine: Engine, image: str) -> None:
    compose = yaml.safe_load(compose_file(parsed(document()).validators[0], engine))
    assert compose["services"]["validator"]["image"] == f"${{NODE_IMAGE:-{image}}}"


@given(NAMES, HOSTS, PORTS, st.sampled_from(Engine))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_plan_names_the_files_mean_it(
    tmp_path: Path, name: str, host: str, ports: list[int], engine: Engine
) -> None:
    port, rpc_port, ws_port = ports
    plan = parsed(with_one(0, name=name, host=host, port=port, rpcPort=rpc_port, wsPort=ws_port))
    files = network_files(plan, engine)
    arguments = called(tmp_path, files[f"{name}/start.sh"].decode())[-1]
    asked = {
        Engine.BESU: ("p2p-port", "rpc-http-port", "rpc-ws-port"),
        Engine.GOQUORUM: ("port", "http.port", "ws.port"),
    }
    told = dict(each.split("=", 1) for each in arguments[1:] if "=" in each)
    assert [told[f"--{each}"] for each in asked[engine]] == [str(each) for each in ports]
    assert the_first(plan).enode in json.loads(files["static-nodes.json"])
    _check_compose(yaml.safe_load(files[f"{name}/compose.yaml"]), name, ports)


def _check_compose(compose: dict[str, Any], name: str, ports: list[int]) -> None:
    assert compose["name"] == f"cangdan-{name}"
    service = compose["services"]["validator"]
    assert service["entrypoint"] == ["/bin/sh", f"/network/{name}/start.sh"]
    assert [(each["published"], each["target"]) for each in service["ports"]] == [(str(each), each) for each in ports]
    assert [each["source"] for each in service["volumes"]][2:] == ["./start.sh", "./data"]
    assert service["volumes"][2]["target"] == f"/network/{name}/start.sh"
    substituted = [each for each in _texts(compose) if "$" in each]
    assert sorted(each[:12] for each in substituted) == ["${NODE_IMAGE", "${NODE_USER:"]


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
