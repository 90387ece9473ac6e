"""Guard-rails of size: a module has at most 400 lines, a function 50, a contract 300.

Run from the root of the project; prints one line for each thing that is too long and exits with 1 when there is any.
Files that say in their first lines that they are generated are left out.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE, FUNCTION, CONTRACT = 400, 50, 300
GENERATED = re.compile(r"generated (by|from)", re.IGNORECASE)
SOLIDITY_CONTRACT = re.compile(r"^(?:abstract contract|contract|interface|library) (\w+)")
SOLIDITY_FUNCTION = re.compile(r"^    (?:function (\w+)|(constructor|receive|fallback|modifier \w+)\b)")


def too_long(name: str, text: str) -> Iterator[str]:
    """What in a file is longer than it may be, each as one line."""
    lines = text.splitlines()
    if any(GENERATED.search(line) for line in lines[:5]):
        return
    if len(lines) > MODULE:
        yield f"{name}: {len(lines)} lines, a module may have {MODULE}"
    parts = python_functions(text) if name.endswith(".py") else solidity_parts(lines)
    for line, what, length, limit in parts:
        if limit == CONTRACT and name.startswith("tests/"):  # a contract of tests is a module of tests
            continue
        if length > limit:
            yield f"{name}:{line}: {what} has {length} lines, it may have {limit}"


def python_functions(text: str) -> Iterator[tuple[int, str, int, int]]:
    """Line, name, length and limit of each function; decorators do not count."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name, (node.end_lineno or node.lineno) - node.lineno + 1, FUNCTION


def solidity_parts(lines: list[str]) -> Iterator[tuple[int, str, int, int]]:
    """Line, name, length and limit of each contract and function, as `forge fmt` lays them out."""
    for number, line in enumerate(lines):
        if found := SOLIDITY_CONTRACT.match(line):
            yield number + 1, found[1], block_length(lines[number:], "}"), CONTRACT
        elif found := SOLIDITY_FUNCTION.match(line):
            yield number + 1, found[1] or found[2], block_length(lines[number:], "    }"), FUNCTION


def block_length(lines: list[str], end: str) -> int:
    """How many lines a block has whose last line is `end`, or that ends with a semicolon before its body begins."""
    for number, line in enumerate(lines):
        if line == end or ("{" not in "".join(lines[: number + 1]) and line.rstrip().endswith(";")):
            return number + 1
        if number == 0 and line.rstrip().endswith("}"):
            return 1
    return len(lines)


def project_files() -> list[Path]:
    """The project's Python and Solidity files, also those that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.sol"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [path for path in map(Path, sorted(set(output.splitlines()))) if path.exists()]


def main() -> int:
    """Check all files of the project."""
    found = [line for path in project_files() for line in too_long(str(path), path.read_text(encoding="utf-8"))]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
