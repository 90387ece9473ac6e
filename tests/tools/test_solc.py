"""The compiler behind tools/solc gives again what it has made, and only for the same input."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def compiled(name: str) -> str:
    source = f"pragma solidity ^0.8.0; contract {name} {{ uint public kept; }}"
    wanted = {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}}
    request = {"language": "Solidity", "sources": {"a.sol": {"content": source}}, "settings": wanted}
    command = [ROOT / "tools" / "solc", "--standard-json"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_input_gives_the_same_and_another_gives_another() -> None:
    first = compiled("First")
    assert first == compiled("First")
    assert list(json.loads(first)["contracts"]["a.sol"]) == ["First"]
    assert list(json.loads(compiled("Second"))["contracts"]["a.sol"]) == ["Second"]
