"""A network of geth's Clique signers on this machine: Berlin rules, one second a block.

For measuring and tests, with keys that anybody can derive: never for anything of value.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ledger_node.client import ChainClient, ChainUnavailable
from ledger_node.hashing import sha256
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.keys import WORK_OF_GENERATED, LocalSigner, new_passphrase
from ledger_node.ports import HOST, reserved_ports
from ledger_node.secp256k1 import address_of, public_key_of

GETH_VERSION = "1.13.15"
"""The last geth that seals blocks."""
CHAIN_ID = 205_904
SIGNERS = 4
PAYERS = 4
FINALITY = SIGNERS // 2 + 1
"""Blocks on top of one until no honest majority of the signers can take it back."""
POOLED = 4096
"""Transactions of one account that a signer keeps. Of those that come before their predecessors geth keeps 64 unless it
is told otherwise, and never hears of the others again: then only the node to which an account sends seals its acts."""
EPOCH = 64
"""Short, so that blocks that list the signers come soon."""
WEALTH = 10**24
PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.05
T = TypeVar("T")
Ports = Mapping[tuple[int, int], int]
"""Where signer `one` reaches signer `other`, by their places."""


class NetworkError(Exception):
    """The network does not start or go on; the message says which signer, and what it said last."""


def built_geth() -> Path | None:
    """The geth that tools/geth.sh has built into the user's cache, None when it has not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = cache / "cangdan" / f"geth-v{GETH_VERSION}" / "geth"
    return program if program.is_file() else None


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
        """Where JSON-RPC over HTTP is."""
        return f"http://{HOST}:{self.rpc_port}"

    @property
    def ws(self) -> str:
        """Where JSON-RPC over WebSocket is."""
        return f"ws://{HOST}:{self.rpc_port}"

    @property
    def client(self) -> ChainClient:
        """A client of this node alone."""
        return ChainClient(self.rpc)

    @property
    def enode(self) -> str:
        """Its name among peers."""
        return public_key_of(self.peer_key).hex()


@dataclass(frozen=True)
class Head:
    """A block at the head of a node's chain; `weight` is the sum of all difficulties up to it."""

    number: int
    hash: str
    weight: int


class Network:
    """Four signers. `payers` are accounts that have money."""

    def __init__(self, geth: str, folder: Path, cables: Callable[[Sequence[int]], Ports] | None = None) -> None:
        """Prepare them in `folder`; nothing runs yet.

        `cables` is given where each signer listens and says where it is reached by each other one; without, directly.
        """
        self.geth, self.folder = geth, folder
        self.nodes: list[Node] = []
        signers = [LocalSigner(signing_key(place)) for place in range(SIGNERS)]
        self.payers = [LocalSigner(payer_key(each)) for each in range(PAYERS)]
        self._held = ExitStack()
        ports = self._held.enter_context(reserved_ports(2 * SIGNERS))
        for place, signer in enumerate(signers):
            home = folder / f"signer-{place}"
            home.mkdir(parents=True)
            self.nodes.append(Node(place, signer, home, _secret(f"peer {place}"), ports[place], ports[SIGNERS + place]))
        self.genesis = folder / "genesis.json"
        accounts = [[each.address for each in some] for some in (signers, self.payers)]
        self.genesis.write_text(json.dumps(_genesis(*accounts)))
        listening = [node.port for node in self.nodes]
        reached = cables(listening) if cables else _direct(listening)
        for node in self.nodes:
            self._prepare(node, reached)

    def start(self, node: Node, seals: bool = True) -> None:
        """Start a signer and wait until it answers; it `seals` from then on, or once it is told so.

        Raises NetworkError when it ends, or does not answer in time.
        """
        with (node.folder / "geth.log").open("ab") as log:
            node.process = subprocess.Popen(self._command(node), stdout=log, stderr=log, cwd=node.folder)
        _wait(lambda: _answers(node), f"signer {node.place} to answer")
        if seals:
            node.client.request("miner_start")

    def start_all(self) -> None:
        """Start all signers, connect them, and let them seal from block 2 on. Raises NetworkError.

        Block 1 is late when it is made, so that all would seal it at once, and two chains of two signers each may come
        of it, of the same weight: each has signed lately, fetches no chain that is not heavier, and stands still for
        good. So the one whose turn it is makes it, and the others are given it: before they seal they take no news.
        """
        for node in self.nodes:
            self.start(node, seals=False)
        for node in self.nodes:
            _wait(partial(_has_peers, node, len(self.nodes) - 1), f"signer {node.place} to have all peers")
        first, *others = (*self.nodes[1:], self.nodes[0])
        first.client.request("miner_start")
        self.wait_for_block(1, first)
        chain = str(self.folder / "first-block.rlp")
        first.client.request("admin_exportChain", chain)
        for node in others:
            node.client.request("admin_importChain", chain)
        for node in others:
            node.client.request("miner_start")
        self.wait_for_block(SIGNERS)

    def kill(self, node: Node) -> None:
        """kill -9."""
        if node.process is None:
            return
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

    def wait_for_block(self, number: int, node: Node | None = None) -> None:
        """Until all running nodes, or one of them, have a chain that goes so far."""
        nodes = [node] if node else [each for each in self.nodes if each.process is not None]
        _wait(lambda: all(head(each).number >= number for each in nodes), f"block {number}")

    def wait_for_one_head(self) -> Head:
        """Until all running nodes are of one chain; its head."""

        def one() -> Head | None:
            found = self.heads()
            return found[0] if len({each.hash for each in found}) == 1 else None

        return _wait(one, "all signers to be of one chain")

    def close(self) -> None:
        """End all signers."""
        for node in self.nodes:
            if node.process is not None:
                self.kill(node)
        self._held.close()

    def _prepare(self, node: Node, reached: Ports) -> None:
        """Key, peers and block 0 of a node, in its folder."""
        keys = node.folder / "keystore"
        keys.mkdir(mode=0o700)
        new_passphrase(node.folder / "passphrase")
        node.signer.save(keys / "signer.json", node.folder / "passphrase", WORK_OF_GENERATED)
        (node.folder / "peer.key").write_text(node.peer_key.hex())
        peers = [
            f"enode://{each.enode}@{HOST}:{reached[node.place, each.place]}?discport=0"
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
            "txpool.accountslots": POOLED,
            "txpool.accountqueue": POOLED,
            "txpool.globalslots": 4 * POOLED,
            "txpool.globalqueue": 4 * POOLED,
            "miner.etherbase": account,
            "unlock": account,
            "password": "passphrase",
            "verbosity": 3,
        }
        flags = ["nodiscover", "ipcdisable", "http", "ws", "allow-insecure-unlock"]
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [self.geth, *words, *(f"--{flag}" for flag in flags)]


@contextmanager
def running(network: Network) -> Iterator[Network]:
    """The network with all signers sealing, one after the other, and ended at last. Raises NetworkError."""
    try:
        network.start_all()
        yield network
    finally:
        network.close()


def signing_key(place: int) -> bytes:
    """The key of the signer whose turn it is in each block whose number leaves `place` when divided by four."""
    return sorted((_secret(f"signer {each}") for each in range(SIGNERS)), key=address_of)[place]


def payer_key(place: int) -> bytes:
    """The key of an account that has money from block 0 on."""
    return _secret(f"payer {place}")


def head(node: Node) -> Head:
    """The head of a node's chain. Raises ChainUnavailable."""
    block = node.client.block_json()
    return Head(int(block["number"], 16), block["hash"], int(block["totalDifficulty"], 16))


def _answers(node: Node) -> bool:
    if node.process is None or node.process.poll() is not None:
        raise NetworkError(f"signer {node.place} ended:\n{(node.folder / 'geth.log').read_text()[-2000:]}")
    try:
        return node.client.block_number() >= 0
    except ChainUnavailable:
        return False


def _has_peers(node: Node, count: int) -> bool:
    return int(node.client.request("net_peerCount"), 16) == count


def _direct(ports: Sequence[int]) -> Ports:
    return {(one, other): ports[other] for one in range(len(ports)) for other in range(len(ports))}


def _wait(look: Callable[[], T | None], what: str) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise NetworkError(f"waited {PATIENCE_SECONDS:g} s in vain for {what}")
        time.sleep(_LOOK_SECONDS)


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
