"""How the validators of a plan are started: with Besu, or with GoQuorum's geth. Pure.

One shell script holds the command; the container runs the same script, with other places given by variables.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import yaml

from ledger_node.networks.plan import Plan, Validator

GENESIS_NAME, PEERS_NAME, SCRIPT_NAME, COMPOSE_NAME = "genesis.json", "static-nodes.json", "start.sh", "compose.yaml"
_HOME = "/network"
"""Where the plan's folder is within a container."""
_SECRET = "node-key"


class Engine(StrEnum):
    """The programs for which files are made; all validators of a chain run the same one."""

    BESU = "besu"
    GOQUORUM = "goquorum"


@dataclass(frozen=True, slots=True)
class _Kind:
    """An engine: its image of the version that was read, its executable here and in the image, its commands."""

    image: str
    binary: str
    binary_in_image: str
    commands: Callable[[Plan, Validator], str]


def start_script(plan: Plan, validator: Validator, engine: Engine) -> str:
    """The shell script that starts a node of the plan's chain, from its own folder beside the genesis file.

    Variables say what differs between machines: NODE_BINARY the executable, NODE_KEY the file with the node's private
    key, RPC_HOST where JSON-RPC is bound. Arguments of the script are added to the command.
    """
    kind = _KINDS[engine]
    return f"""#!/bin/sh
# Starts {validator.name} on chain {plan.chain_id}. Made by cangdan chain plan; arguments are added to the command.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"
umask 077
NODE_BINARY=${{NODE_BINARY:-{kind.binary}}}
NODE_KEY=${{NODE_KEY:-node.key}}
RPC_HOST=${{RPC_HOST:-127.0.0.1}}
# Besu would make another key, and nobody would know it for a validator.
[ -f "$NODE_KEY" ] || {{ echo "start.sh: $NODE_KEY is missing: the key that cangdan chain node-key made" >&2; exit 1; }}
{kind.commands(plan, validator)} "$@"
"""


def compose_file(validator: Validator, engine: Engine) -> str:
    """The file with which `docker compose` runs that script: nothing writable but the data, JSON-RPC on loopback only.

    Variables: NODE_IMAGE, and NODE_USER who owns data and key (a secret from a file keeps its owner and mode).
    """
    kind, home = _KINDS[engine], f"{_HOME}/{validator.name}"
    service = {
        "image": f"${{NODE_IMAGE:-{kind.image}}}",
        "entrypoint": ["/bin/sh", f"{home}/{SCRIPT_NAME}"],
        "user": "${NODE_USER:-1000:1000}",
        "environment": {
            "NODE_BINARY": kind.binary_in_image,
            "NODE_KEY": f"/run/secrets/{_SECRET}",
            "RPC_HOST": "0.0.0.0",  # within the container; `ports` binds it to the machine's loopback
        },
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        # Java unpacks native libraries there and runs them.
        "tmpfs": ["/tmp:exec,nosuid,nodev,mode=1777"],
        "ports": [
            _published(validator.port),
            {**_published(validator.rpc_port), "host_ip": "127.0.0.1"},
            {**_published(validator.ws_port), "host_ip": "127.0.0.1"},
        ],
        "secrets": [_SECRET],
        "volumes": [
            _mounted(f"../{GENESIS_NAME}", f"{_HOME}/{GENESIS_NAME}"),
            _mounted(f"../{PEERS_NAME}", f"{_HOME}/{PEERS_NAME}"),
            _mounted(f"./{SCRIPT_NAME}", f"{home}/{SCRIPT_NAME}"),
            _mounted("./data", f"{home}/data", read_only=False),
        ],
        "restart": "unless-stopped",
        "stop_grace_period": "1m",
    }
    document = {
        "name": f"cangdan-{validator.name}",
        "services": {"validator": service},
        "secrets": {_SECRET: {"file": "./node.key"}},
    }
    head = (
        "# Made by cangdan chain plan. Before the first start: mkdir -m 700 data, and node.key of mode 600 in here.\n"
    )
    return head + yaml.safe_dump(document, sort_keys=False, width=120)


def _published(port: int) -> dict[str, object]:
    return {"target": port, "published": str(port), "protocol": "tcp"}


def _mounted(source: str, target: str, *, read_only: bool = True) -> dict[str, object]:
    # Without `create_host_path: false` a missing file would become a folder that root owns.
    return {
        "type": "bind",
        "source": source,
        "target": target,
        "read_only": read_only,
        "bind": {"create_host_path": False},
    }


def _besu(plan: Plan, validator: Validator) -> str:
    """Besu's command, by the reference of its options and the sources of 26.3; it was never run."""
    named = [each.by_name for each in plan.validators]
    options: dict[str, object] = {
        "data-path": "data",
        # The only format that proves old blocks; the others keep 512 of them.
        "data-storage-format": "FOREST",
        "genesis-file": f"../{GENESIS_NAME}",
        "static-nodes-file": f"../{PEERS_NAME}",
        "network-id": plan.chain_id,
        "sync-mode": "FULL",
        "discovery-enabled": "false",
        "p2p-port": validator.port,
        "remote-connections-limit-enabled": "false",
        "min-gas-price": 0,
        "target-gas-limit": plan.gas_limit,
        "tx-pool": "sequenced",
        # An outbox has many transactions of one account waiting; by default the pool takes four.
        "tx-pool-limit-by-account-percentage": 1,
        "rpc-http-enabled": "true",
        "rpc-http-port": validator.rpc_port,
        "rpc-http-api": "ETH,NET,WEB3,QBFT",
        "rpc-ws-enabled": "true",
        "rpc-ws-port": validator.ws_port,
        "rpc-ws-api": "ETH,NET,WEB3",
    }
    if any(named):
        # Names in enodes are an early access feature. Following a name that changes looks up addresses backwards, so
        # it is left off where some are given.
        options |= {"Xdns-enabled": "true", "Xdns-update-enabled": str(all(named)).lower()}
    variables = {"node-private-key-file": "NODE_KEY", "rpc-http-host": "RPC_HOST", "rpc-ws-host": "RPC_HOST"}
    return _command(options, variables)


def _goquorum(plan: Plan, validator: Validator) -> str:
    """What GoQuorum's geth needs: block 0 and the peers in its data folder, and its command."""
    options: dict[str, object] = {
        "datadir": "data",
        "networkid": plan.chain_id,
        "port": validator.port,
        "nat": "none",
        "syncmode": "full",
        "gcmode": "archive",
        "http.port": validator.rpc_port,
        "http.api": "eth,net,web3,istanbul",
        "ws.port": validator.ws_port,
        "ws.api": "eth,net,web3",
        "miner.gasprice": 0,
        "miner.gaslimit": plan.gas_limit,
        # Each renewal of the block in the making starts the round's time anew. More often than rounds end (geth: 3 s),
        # it keeps a chain that stood from going on while transactions come.
        "miner.recommit": f"{2 * plan.longest_round}s",
    }
    variables = {"nodekey": "NODE_KEY", "http.addr": "RPC_HOST", "ws.addr": "RPC_HOST"}
    flags = ("nodiscover", "ipcdisable", "http", "ws", "mine")
    # Block 0 is written anew at each start: the same one changes nothing, and another one is refused.
    return f"""PRIVATE_CONFIG=ignore
export PRIVATE_CONFIG
mkdir -p data
cp ../{PEERS_NAME} data/{PEERS_NAME}
"$NODE_BINARY" --datadir=data init ../{GENESIS_NAME}
{_command(options, variables, flags)}"""


def _command(options: Mapping[str, object], variables: Mapping[str, str], flags: tuple[str, ...] = ()) -> str:
    words = [
        *(shlex.quote(f"--{name}={value}") for name, value in options.items()),
        *(f'--{name}="${variable}"' for name, variable in variables.items()),
        *(f"--{flag}" for flag in flags),
    ]
    return " \\\n  ".join(['exec "$NODE_BINARY"', *words])


_KINDS = {
    Engine.BESU: _Kind("hyperledger/besu:26.3.0", "besu", "/opt/besu/bin/besu", _besu),
    Engine.GOQUORUM: _Kind("quorumengineering/quorum:24.4.1", "geth", "/usr/local/bin/geth", _goquorum),
}
