"""A network of QBFT validators, Berlin rules, one second a block: those that begin, and one that comes later."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rlp

from api.runner.private import Elsewhere
from api.runner.settling import wait_for
from ledger_node.client import ChainClient, ChainUnavailable
from ledger_node.hashing import sha256
from ledger_node.headers import QBFT_MIX_HASH
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.networks.clique import free_ports
from ledger_node.secp256k1 import address_of
from tests.ledger_node.consensus.chains import Block
from tests.qbft.engines import Engine, Station

CHAIN_ID = 205_905
VALIDATORS = 4
FAULTY = (VALIDATORS - 1) // 3
"""How many may fail so that blocks still come."""
EPOCH = 16
"""Short, so that blocks that clear votes are among those that are checked."""
_PATIENCE = 180


@dataclass
class Node:
    """One node: where it is, the key with which it seals and is known to its peers, its process while it runs."""

    place: int
    station: Station
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> bytes:
        return address_of(self.station.key)

    @property
    def client(self) -> ChainClient:
        return ChainClient(self.station.rpc)

    @property
    def head(self) -> int:
        return self.client.block_number()


@dataclass
class Network:
    """The validators, in the order of their addresses, and behind them one that is none at first and has nothing."""

    engine: Engine
    folder: Path
    size: int = VALIDATORS
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        keys = [*sorted((_secret(place) for place in range(self.size)), key=address_of), _secret(self.size)]
        ports = iter(free_ports(3 * len(keys)))
        stations = [
            Station(self.folder / f"node-{place}", key, next(ports), next(ports), next(ports))
            for place, key in enumerate(keys)
        ]
        self.nodes = [Node(place, station) for place, station in enumerate(stations)]
        self.genesis = self.folder / "genesis.json"
        first = [address_of(key) for key in keys[: self.size]]
        self.genesis.write_text(json.dumps(_genesis(first, self.engine)))
        for station in stations:
            station.folder.mkdir()
            self.engine.prepare(station, self.genesis, [each for each in stations if each is not station])

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
            with (node.station.folder / "log").open("ab") as log:
                command, environment = self.engine.command(node.station, self.genesis, CHAIN_ID)
                node.process = subprocess.Popen(
                    command, stdout=log, stderr=log, cwd=node.station.folder, env={**os.environ, **environment}
                )
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
            node.client.request(self.engine.propose, account, say)
        wait_for(lambda: (who.address in self.validators()) == say, f"a vote on {account}", _PATIENCE)
        for node in voters:
            node.client.request(self.engine.discard, account)

    def validators(self) -> list[bytes]:
        """Who seals the next block, as the first node says."""
        told = self.nodes[0].client.request(self.engine.validators, "latest")
        return [bytes.fromhex(each[2:]) for each in told]

    def blocks(self, node: Node | None = None) -> list[Block]:
        """All blocks so far, as a node tells them."""
        client = (node or self.nodes[1]).client
        return [dict(client.block_json(number)) for number in range(client.block_number() + 1)]

    def elsewhere(self, place: int) -> Elsewhere:
        """This chain as a node shows it, where gas costs nothing and each block is final."""
        station = self.nodes[place].station
        return Elsewhere(station.rpc, None, 0, station.ws)


@contextmanager
def running_network(engine: Engine, folder: Path, size: int = VALIDATORS) -> Iterator[Network]:
    """Validators that seal, one after the other."""
    network = Network(engine, folder, size)
    try:
        network.start(*network.nodes[:size])
        network.wait_for_block(size)
        yield network
    finally:
        network.kill(*network.running)


def _answers(node: Node) -> bool:
    assert node.process is not None
    if node.process.poll() is not None:
        raise AssertionError(f"node {node.place} ended:\n{(node.station.folder / 'log').read_text()[-2000:]}")
    try:
        return node.head >= 0
    except ChainUnavailable:
        return False


def _secret(place: int) -> bytes:
    return sha256(f"cangdan test validators, {place}".encode())


def _genesis(validators: list[bytes], engine: Engine) -> dict[str, Any]:
    forks = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin"
    config: dict[str, Any] = {f"{fork}Block": 0 for fork in forks.split()}
    qbft = {"epochlength": EPOCH, "blockperiodseconds": 1, "requesttimeoutseconds": 2, **engine.qbft}
    return {
        "config": {**config, "chainId": CHAIN_ID, **engine.config, "qbft": qbft},
        "nonce": "0x0",
        "timestamp": "0x0",
        "extraData": data_hex(rlp.encode([bytes(32), validators, [], b"", []])),
        "gasLimit": hex(30_000_000),
        "difficulty": "0x1",
        "mixHash": data_hex(QBFT_MIX_HASH),
        "coinbase": data_hex(bytes(20)),
        "alloc": {},
    }
