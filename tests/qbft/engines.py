"""What the tests must know of the executables that run QBFT: how each is prepared and started, and how it votes."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from coincurve import PrivateKey

from ledger_node.hexvalues import data_hex
from ledger_node.networks.clique import HOST

VARIABLE = "CANGDAN_QBFT_BINARY"
_ALONE = {"PRIVATE_CONFIG": "ignore"}
"""Tells GoQuorum that no private transactions are wanted."""


@dataclass(frozen=True, slots=True)
class Station:
    """Where a node lives: its folder and ports, all of this machine alone, and its key."""

    folder: Path
    key: bytes
    port: int
    rpc_port: int
    ws_port: int

    @property
    def rpc(self) -> str:
        return f"http://{HOST}:{self.rpc_port}"

    @property
    def ws(self) -> str:
        return f"ws://{HOST}:{self.ws_port}"

    @property
    def enode(self) -> str:
        public = PrivateKey(self.key).public_key.format(compressed=False)[1:].hex()
        return f"enode://{public}@{HOST}:{self.port}?discport=0"


class Engine(Protocol):
    """An executable: the methods of its votes, and what a genesis file says to it alone, of the chain and of QBFT."""

    binary: str
    propose: ClassVar[str]
    discard: ClassVar[str]
    validators: ClassVar[str]
    config: ClassVar[Mapping[str, object]]
    qbft: ClassVar[Mapping[str, object]]

    def prepare(self, station: Station, genesis: Path, peers: Sequence[Station]) -> None: ...

    def command(self, station: Station, genesis: Path, network: int) -> tuple[list[str], Mapping[str, str]]: ...


@dataclass(frozen=True)
class GoQuorum:
    """GoQuorum's geth."""

    binary: str
    propose: ClassVar[str] = "istanbul_propose"
    discard: ClassVar[str] = "istanbul_discard"
    validators: ClassVar[str] = "istanbul_getValidators"
    config: ClassVar[Mapping[str, object]] = {"isQuorum": True}
    qbft: ClassVar[Mapping[str, object]] = {"policy": 0, "ceil2Nby3Block": 0, "maxRequestTimeoutSeconds": 4}

    def prepare(self, station: Station, genesis: Path, peers: Sequence[Station]) -> None:
        """Key, peers and block 0 of a node, in its folder."""
        (station.folder / "nodekey").write_text(station.key.hex())
        (station.folder / "static-nodes.json").write_text(json.dumps([each.enode for each in peers]))
        words = [self.binary, "--datadir", str(station.folder), "init", str(genesis)]
        subprocess.run(words, check=True, capture_output=True, timeout=120, env=_ALONE)

    def command(self, station: Station, genesis: Path, network: int) -> tuple[list[str], Mapping[str, str]]:
        options = {
            "datadir": station.folder,
            "nodekey": "nodekey",
            "networkid": network,
            "port": station.port,
            "nat": "none",
            "netrestrict": "127.0.0.0/8",
            "syncmode": "full",
            "gcmode": "archive",
            "cache": 64,
            "http.addr": HOST,
            "http.port": station.rpc_port,
            "http.api": "eth,net,web3,istanbul",
            "ws.addr": HOST,
            "ws.port": station.ws_port,
            "ws.api": "eth,net,web3",
            "miner.gasprice": 0,
            "miner.gaslimit": 30_000_000,
            "verbosity": 3,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        flags = ["--nodiscover", "--ipcdisable", "--http", "--ws", "--mine"]
        return [self.binary, *words, *flags], _ALONE


@dataclass(frozen=True)
class Besu:
    """Hyperledger Besu, by its manual."""

    binary: str
    propose: ClassVar[str] = "qbft_proposeValidatorVote"
    discard: ClassVar[str] = "qbft_discardValidatorVote"
    validators: ClassVar[str] = "qbft_getValidatorsByBlockNumber"
    config: ClassVar[Mapping[str, object]] = {}
    qbft: ClassVar[Mapping[str, object]] = {}

    def prepare(self, station: Station, genesis: Path, peers: Sequence[Station]) -> None:
        """Key and peers of a node, in its folder; block 0 is read at each start."""
        (station.folder / "nodekey").write_text(data_hex(station.key))
        (station.folder / "static-nodes.json").write_text(json.dumps([each.enode for each in peers]))

    def command(self, station: Station, genesis: Path, network: int) -> tuple[list[str], Mapping[str, str]]:
        options = {
            "data-path": station.folder / "data",
            "data-storage-format": "FOREST",
            "genesis-file": genesis,
            "node-private-key-file": "nodekey",
            "static-nodes-file": "static-nodes.json",
            "network-id": network,
            "p2p-host": HOST,
            "p2p-interface": HOST,
            "p2p-port": station.port,
            "discovery-enabled": "false",
            "sync-mode": "FULL",
            "sync-min-peers": 1,
            "min-gas-price": 0,
            "rpc-http-enabled": "true",
            "rpc-http-host": HOST,
            "rpc-http-port": station.rpc_port,
            "rpc-http-api": "ETH,NET,WEB3,QBFT",
            "rpc-ws-enabled": "true",
            "rpc-ws-host": HOST,
            "rpc-ws-port": station.ws_port,
            "host-allowlist": "*",
        }
        return [self.binary, *(f"--{name}={value}" for name, value in options.items())], {}


def engine_of(binary: str) -> Engine:
    """The engine that an executable is, as it says itself. Raises ValueError for another one."""
    for word, name, engine in (("version", "Quorum", GoQuorum), ("--version", "besu", Besu)):
        said = subprocess.run([binary, word], capture_output=True, text=True, timeout=60)
        if name in said.stdout:
            return engine(binary)
    raise ValueError(f"{VARIABLE}: {binary} is neither GoQuorum nor Besu")
