"""A network of four Clique signers: geth, Berlin rules, one second a block, every cable a proxy of ours."""

import json
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coincurve import PrivateKey

from api.runner.private import Elsewhere
from api.runner.settling import wait_for
from ledger_node.client import ChainClient, ChainUnavailable
from ledger_node.hashing import sha256
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.keys import WORK_OF_GENERATED, LocalSigner, new_passphrase
from ledger_node.secp256k1 import address_of
from tests.network.links import HOST, Links, free_ports

CHAIN_ID = 205_904
SIGNERS = 4
PAYERS = 4
FINALITY = SIGNERS // 2 + 1
"""Blocks on top of one until no honest majority of the signers can take it back."""
EPOCH = 64
"""Short, so that blocks that list the signers are among those that are checked."""
WEALTH = 10**24


@dataclass
class Node:
    """One signer: its key, its folder, where it listens, its process while it runs."""

    place: int
    signer: LocalSigner
    folder: Path
    peer_key: bytes
    port: int
    rpc_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def rpc(self) -> str:
        return f"http://{HOST}:{self.rpc_port}"

    @property
    def ws(self) -> str:
        return f"ws://{HOST}:{self.rpc_port}"

    @property
    def client(self) -> ChainClient:
        return ChainClient(self.rpc)

    @property
    def enode(self) -> str:
        return PrivateKey(self.peer_key).public_key.format(compressed=False)[1:].hex()


@dataclass(frozen=True)
class Head:
    """A block at the head of a node's chain."""

    number: int
    hash: str
    weight: int


@dataclass
class Network:
    """The running network. `payers` are key files of accounts that have money, one for each who spends it."""

    geth: str
    folder: Path
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        signers = [LocalSigner(signing_key(place)) for place in range(SIGNERS)]
        ports = free_ports(2 * SIGNERS)
        for place, signer in enumerate(signers):
            home = self.folder / f"signer-{place}"
            home.mkdir()
            peer_key = _secret(f"peer {place}")
            self.nodes.append(Node(place, signer, home, peer_key, ports[place], ports[SIGNERS + place]))
        self.genesis = self.folder / "genesis.json"
        self.payers = [self._payer(each) for each in range(PAYERS)]
        rich = [LocalSigner(_secret(f"payer {each}")).address for each in range(PAYERS)]
        self.genesis.write_text(json.dumps(_genesis([each.address for each in signers], rich)))
        self.links = Links([node.port for node in self.nodes])
        for node in self.nodes:
            self._prepare(node)

    def start(self, node: Node) -> None:
        """Start a signer and wait until it answers."""
        with (node.folder / "geth.log").open("ab") as log:
            node.process = subprocess.Popen(self._command(node), stdout=log, stderr=log, cwd=node.folder)
        wait_for(lambda: _answers(node), f"signer {node.place} to answer", 60)

    def kill(self, node: Node) -> None:
        """kill -9."""
        assert node.process is not None
        node.process.kill()
        node.process.wait()
        node.process = None

    def heads(self) -> list[Head]:
        """The head of each running node's chain."""
        return [head(node) for node in self.nodes if node.process is not None]

    def sealer(self, number: int) -> Node:
        """Who sealed a block of signer 0's chain."""
        account = self.nodes[0].client.request("clique_getSigner", hex(number))
        return next(each for each in self.nodes if address_hex(each.signer.address).lower() == account)

    def split(self, side: Collection[int]) -> None:
        self.links.split(side)

    def heal(self) -> None:
        self.links.heal()

    def wait_for_block(self, number: int, node: Node | None = None) -> None:
        """Until all running nodes, or one of them, have a chain that goes so far."""
        nodes = [node] if node else [each for each in self.nodes if each.process is not None]
        wait_for(lambda: all(head(each).number >= number for each in nodes), f"block {number}", 120)

    def wait_for_one_head(self) -> Head:
        """Until all running nodes are of one chain; its head."""

        def one() -> Head | None:
            found = self.heads()
            return found[0] if len({each.hash for each in found}) == 1 else None

        return wait_for(one, "all signers to be of one chain", 120)

    def close(self) -> None:
        for node in self.nodes:
            if node.process is not None:
                self.kill(node)
        self.links.close()

    def elsewhere(self, place: int) -> Elsewhere:
        """This chain as signer `place` shows it, paid by a payer of its own."""
        return Elsewhere(self.nodes[place].rpc, self.payers[place], FINALITY)

    def _payer(self, number: int) -> Path:
        file = self.folder / f"payer-{number}.key"
        file.touch(mode=0o600)
        file.write_text(_secret(f"payer {number}").hex())
        return file

    def _prepare(self, node: Node) -> None:
        """Key, peers and block 0 of a node, in its folder."""
        keys = node.folder / "keystore"
        keys.mkdir(mode=0o700)
        new_passphrase(node.folder / "passphrase")
        node.signer.save(keys / "signer.json", node.folder / "passphrase", WORK_OF_GENERATED)
        (node.folder / "peer.key").write_text(node.peer_key.hex())
        peers = [
            f"enode://{each.enode}@{HOST}:{self.links.ports[node.place, each.place]}?discport=0"
            for each in self.nodes
            if each is not node
        ]
        (node.folder / "peers.toml").write_text(f"[Node.P2P]\nStaticNodes = {json.dumps(peers)}\n")
        command = [self.geth, "--datadir", str(node.folder), "--state.scheme", "hash", "init", str(self.genesis)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def _command(self, node: Node) -> list[str]:
        account = address_hex(node.signer.address)
        options: Mapping[str, object] = {
            "config": "peers.toml",
            "datadir": node.folder,
            "networkid": CHAIN_ID,
            "nodekey": "peer.key",
            "port": node.port,
            "nat": "none",
            "netrestrict": "127.0.0.0/8",
            "syncmode": "full",
            "gcmode": "archive",
            "state.scheme": "hash",
            "cache": 64,
            "http.port": node.rpc_port,
            "http.api": "eth,net,web3,debug,admin,clique,miner",
            "ws.port": node.rpc_port,
            "ws.api": "eth,net,web3",
            "authrpc.port": 0,
            "miner.etherbase": account,
            "unlock": account,
            "password": "passphrase",
            "verbosity": 3,
        }
        flags = ["nodiscover", "ipcdisable", "http", "ws", "mine", "allow-insecure-unlock"]
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [self.geth, *words, *(f"--{flag}" for flag in flags)]


@contextmanager
def running_network(geth: str, folder: Path) -> Iterator[Network]:
    """Four signers that seal, one after the other."""
    network = Network(geth, folder)
    try:
        for node in network.nodes:
            network.start(node)
        network.wait_for_block(SIGNERS)
        yield network
    finally:
        network.close()


def signing_key(place: int) -> bytes:
    """The key of the signer whose turn it is in each block whose number leaves `place` when divided by four."""
    return sorted((_secret(f"signer {each}") for each in range(SIGNERS)), key=address_of)[place]


def head(node: Node) -> Head:
    block = node.client.block_json()
    return Head(int(block["number"], 16), block["hash"], int(block["totalDifficulty"], 16))


def _answers(node: Node) -> bool:
    assert node.process is not None
    if node.process.poll() is not None:
        raise AssertionError(f"signer {node.place} ended:\n{(node.folder / 'geth.log').read_text()[-2000:]}")
    try:
        return node.client.block_number() >= 0
    except ChainUnavailable:
        return False


def _secret(name: str) -> bytes:
    return sha256(f"cangdan test network, {name}".encode())


def _genesis(signers: list[bytes], payers: list[bytes]) -> dict[str, Any]:
    forks = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin"
    config: dict[str, Any] = {f"{fork}Block": 0 for fork in forks.split()}
    config |= {"chainId": CHAIN_ID, "clique": {"period": 1, "epoch": EPOCH}}
    return {
        "config": config,
        "nonce": "0x0",
        "timestamp": "0x0",
        "extraData": data_hex(bytes(32) + b"".join(signers) + bytes(65)),
        "gasLimit": hex(30_000_000),
        "difficulty": "0x1",
        "mixHash": data_hex(bytes(32)),
        "coinbase": data_hex(bytes(20)),
        "alloc": {address_hex(payer)[2:]: {"balance": hex(WEALTH)} for payer in payers},
    }
