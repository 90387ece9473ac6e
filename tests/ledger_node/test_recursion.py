"""What is nested too deep is refused, and does not end the process."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json
import api.serve, oracle.run
from ledger_node.recursion import bound_recursion
bound_recursion()
try:
    json.loads("[" * 500_000)
except RecursionError:
    print("refused")
"""


def test_servers_refuse_json_that_is_nested_too_deep() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout) == (0, "refused\n")
