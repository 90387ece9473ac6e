"""What the tests must know of the executables that run QBFT: how each votes, and what keeps it on this machine."""

import subprocess
from dataclasses import dataclass

from ledger_node.networks.engines import Engine
from ledger_node.ports import HOST

VARIABLE = "CANGDAN_QBFT_BINARY"


@dataclass(frozen=True, slots=True)
class Binary:
    """An executable: the methods of its votes, and arguments beside those of the product's script."""

    path: str
    engine: Engine
    propose: str
    discard: str
    validators: str
    arguments: tuple[str, ...]


def binary_of(path: str) -> Binary:
    """The engine that an executable is, as it says itself. Raises ValueError for another one."""
    if "Quorum" in _said(path, "version"):
        votes = ("istanbul_propose", "istanbul_discard", "istanbul_getValidators")
        return Binary(path, Engine.GOQUORUM, *votes, ("--netrestrict=127.0.0.0/8", "--cache=64", "--verbosity=3"))
    if "besu" in _said(path, "--version"):
        votes = ("qbft_proposeValidatorVote", "qbft_discardValidatorVote", "qbft_getValidatorsByBlockNumber")
        return Binary(path, Engine.BESU, *votes, (f"--p2p-interface={HOST}",))
    raise ValueError(f"{VARIABLE}: {path} is neither GoQuorum nor Besu")


def _said(path: str, word: str) -> str:
    return subprocess.run([path, word], capture_output=True, text=True, timeout=60).stdout
