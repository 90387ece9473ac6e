"""A network of QBFT validators, started with the product's own files: those that begin, and one that comes later."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.runner.private import Elsewhere
from api.runner.settling import wait_for
from ledger_node.client import ChainClient, ChainUnavailable
from ledger_node.files import write_new_folder
from ledger_node.hashing import sha256
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.networks.engines import GENESIS_NAME, SCRIPT_NAME, start_script
from ledger_node.networks.plan import Validator
from ledger_node.networks.qbft import network_files
from ledger_node.ports import HOST, reserved_ports
from ledger_node.secp256k1 import address_of, public_key_of
from tests.ledger_node.consensus.chains import Block
from tests.ledger_node.networks.plans import document, parsed
from tests.qbft.engines import Binary

CHAIN_ID = 205_905
VALIDATORS = 4
FAULTY = (VALIDATORS - 1) // 3
"""How many may fail so that blocks still come."""
EPOCH = 16
"""Short, so that blocks that clear votes are among those that are checked."""
_PATIENCE = 180


@dataclass
class Node:
    """One node: its key and its place in the plan, its folder, its process while it runs."""

    place: int
    key: bytes
    entry: Validator
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> bytes:
        return address_of(self.key)

    @property
    def rpc(self) -> str:
        return f"http://{HOST}:{self.entry.rpc_port}"

    @property
    def ws(self) -> str:
        return f"ws://{HOST}:{self.entry.ws_port}"

    @property
    def client(self) -> ChainClient:
        return ChainClient(self.rpc)

    @property
    def head(self) -> int:
        return self.client.block_number()


@dataclass
class Network:
    """The validators, in the order of their addresses, and behind them one that is none at first and has nothing."""

    binary: Binary
    folder: Path
    ports: Sequence[int]
    """Three for each node."""
    size: int = VALIDATORS
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        keys = [*sorted((_secret(place) for place in range(self.size)), key=address_of), _secret(self.size)]
        ports = iter(self.ports)
        for place, key in enumerate(keys):
            listening = next(ports), next(ports), next(ports)
            entry = Validator(f"node-{place}", public_key_of(key), HOST, *listening)
            self.nodes.append(Node(place, key, entry, self.folder / "network" / entry.name))
        entries = [_entry(node.entry) for node in self.nodes[: self.size]]
        plan = parsed(document(chainId=CHAIN_ID, epochLength=EPOCH, requestTimeoutSeconds=2, validators=entries))
        files = network_files(plan, self.binary.engine)
        # Who comes later has a script as the others have, and their genesis file.
        late = self.late.entry
        files[f"{late.name}/{SCRIPT_NAME}"] = start_script(plan, late, self.binary.engine).encode()
        write_new_folder(self.folder / "network", files)
        for node in self.nodes:
            (node.folder / "node.key").write_text(node.key.hex() + "\n")

    @property
    def genesis(self) -> Path:
        return self.folder / "network" / GENESIS_NAME

    @property
    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.process is not None]

    @property
    def late(self) -> Node:
        """The node that no one knows of at first."""
        return self.nodes[self.size]

    def start(self, *nodes: Node) -> None:
        """Start nodes and wait until they answer."""
        for node in nodes:
            command = ["sh", str(node.folder / SCRIPT_NAME), *self.binary.arguments]
            with (node.folder / "log").open("ab") as log:
                environment = {**os.environ, "NODE_BINARY": self.binary.path}
                node.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        for node in nodes:
            wait_for(lambda at=node: _answers(at), f"node {node.place} to answer", _PATIENCE)

    def kill(self, *nodes: Node) -> None:
        """kill -9."""
        for node in nodes:
            assert node.process is not None
            node.process.kill()
            node.process.wait()
            node.process = None

    def wait_for_block(self, number: int, *nodes: Node) -> None:
        """Until these nodes, or all that run, have a chain that goes so far."""
        wait_for(lambda: all(node.head >= number for node in nodes or self.running), f"block {number}", _PATIENCE)

    def vote(self, who: Node, say: bool) -> None:
        """All other validators vote a node in or out, until the set is another one."""
        voters = [node for node in self.nodes[: self.size] if node is not who]
        account = address_hex(who.address)
        for node in voters:
            node.client.request(self.binary.propose, account, say)
        wait_for(lambda: (who.address in self.validators()) == say, f"a vote on {account}", _PATIENCE)
        for node in voters:
            node.client.request(self.binary.discard, account)

    def validators(self) -> list[bytes]:
        """Who seals the next block, as the first node says."""
        told = self.nodes[0].client.request(self.binary.validators, "latest")
        return [bytes.fromhex(each[2:]) for each in told]

    def blocks(self, node: Node | None = None) -> list[Block]:
        """All blocks so far, as a node tells them."""
        client = (node or self.nodes[1]).client
        return [dict(client.block_json(number)) for number in range(client.block_number() + 1)]

    def elsewhere(self, place: int) -> Elsewhere:
        """This chain as a node shows it, where gas costs nothing and each block is final."""
        node = self.nodes[place]
        return Elsewhere(node.rpc, None, 0, node.ws)


@contextmanager
def running_network(binary: Binary, folder: Path, size: int = VALIDATORS) -> Iterator[Network]:
    """Validators that seal, one after the other."""
    with reserved_ports(3 * (size + 1)) as ports:
        network = Network(binary, folder, ports, size)
        try:
            network.start(*network.nodes[:size])
            network.wait_for_block(size)
            yield network
        finally:
            network.kill(*network.running)


def _answers(node: Node) -> bool:
    assert node.process is not None
    if node.process.poll() is not None:
        raise AssertionError(f"node {node.place} ended:\n{(node.folder / 'log').read_text()[-2000:]}")
    try:
        return node.head >= 0
    except ChainUnavailable:
        return False


def _secret(place: int) -> bytes:
    return sha256(f"cangdan test validators, {place}".encode())


def _entry(each: Validator) -> dict[str, object]:
    ports = {"port": each.port, "rpcPort": each.rpc_port, "wsPort": each.ws_port}
    return {"name": each.name, "publicKey": data_hex(each.public_key), "host": each.host, **ports}
