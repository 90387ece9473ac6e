"""Checking a file of headers, as nodes answer eth_getBlockByNumber, from a genesis or a checkpoint on.

Pure. docs/formats/headers.md says what the file may hold and which rules are checked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger_node.consensus.follow import confirmations, follow, start
from ledger_node.consensus.genesis_file import load_object
from ledger_node.consensus.rules import Consensus, Followed, HeaderRefused, Rules, Step, refuse
from ledger_node.genesis import GenesisError
from ledger_node.headers import Header, HeaderError, read_header
from ledger_node.hexvalues import HexError, data_hex, read_data

_IGNORED = frozenset({"hash", "size", "totalDifficulty", "transactions", "uncles"})
_EACH = 256
"""How many headers pass between two words to who waits."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The first header that fails: its place in the list, its number where that can be read, step and rule.

    `at` is None when it is the file that fails.
    """

    at: int | None
    number: int | None
    step: Step
    rule: str

    def __str__(self) -> str:
        """Which header, which step, what is wrong."""
        if self.at is None:
            return f"{self.step.value}: {self.rule}"
        block = "" if self.number is None else f", block {self.number}"
        return f"header {self.at}{block}: {self.step.value}: {self.rule}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far headers were followed: how many hold, what is known after them, and what failed, if anything did.

    `earlier` is what was known after the last final block and after those on it before the last, oldest first.
    """

    checked: int
    first: int | None
    followed: Followed | None
    failure: Failure | None
    earlier: tuple[Followed, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every header holds."""
        return self.failure is None


def verify_headers(
    text: bytes,
    rules: Rules,
    known: Sequence[Followed] = (),
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """What the file of headers shows. `tell` hears how many of how many are done.

    `known` are the states of a checkpoint, oldest first; only the first is sure to last. A list that begins with
    block 0 or 1 is followed from the genesis and must come by the first state; any other goes on from one of them.
    """
    try:
        document = load_object(text)
    except GenesisError as error:
        return _failed(str(error).removeprefix("genesis: "))
    given = document.get("headers")
    if not isinstance(given, list):
        return _failed("headers: must be a list")
    if not given:
        return _failed("headers: the list is empty")
    followed: Followed | None = None
    first: int | None = None
    trail: list[Followed] = []
    for at, block in enumerate(given):
        header = None
        try:
            header, seal, told = _read(block, rules.consensus)
            if at == 0:
                first = header.number
                followed = _before(rules, known, header)
                trail = [each for each in known if followed is not None and each.tip.number < header.number]
            followed = start(rules, header, seal) if followed is None else follow(rules, followed, header, seal)
            _agree(followed, told, known)
            trail = [*trail, followed][-1 - confirmations(rules, followed) :]
        except HeaderRefused as error:
            number = _number(block) if header is None else header.number
            return Outcome(at, first, followed, Failure(at, number, error.step, error.rule))
        if at and at % _EACH == 0:
            tell(at, len(given))
    return Outcome(len(given), first, followed, None, tuple(trail[:-1]))


def _before(rules: Rules, known: Sequence[Followed], header: Header) -> Followed | None:
    """From where the first header goes on; None before block 0."""
    if header.number == 0:
        return None
    for state in known:
        if header.number == state.tip.number + 1:
            return state
    if header.number == 1 and rules.genesis is not None:
        return start(rules, rules.genesis)
    if not known:
        refuse(Step.NUMBER, f"the list begins with block {header.number}; give it from block 0 on, or a checkpoint")
    after = known[-1].tip.number + 1
    refuse(Step.NUMBER, f"the list begins with block {header.number}; give it from block 0 or from block {after} on")


def _agree(followed: Followed, told: bytes | None, known: Sequence[Followed]) -> None:
    if told is not None and told != followed.tip.hash:
        refuse(Step.HASH, f"the hash given is not the one computed, {data_hex(followed.tip.hash)}")
    if known and followed.tip.number == known[0].tip.number and followed != known[0]:
        refuse(Step.CHECKPOINT, "what is known after this block is not what the checkpoint holds")


def _read(block: object, consensus: Consensus) -> tuple[Header, bytes | None, bytes | None]:
    """A header with its seal (of an embedded ledger) and the hash that the file gives. Raises HeaderRefused."""
    if not isinstance(block, Mapping):
        refuse(Step.FORMAT, "header: must be an object")
    ignored = _IGNORED | {"withdrawals"} if "withdrawalsRoot" in block else _IGNORED
    embedded = consensus is Consensus.EMBEDDED
    try:
        header = read_header(block, ignored | {"seal"} if embedded else ignored)
        told = read_data("header.hash", block["hash"], 32) if "hash" in block else None
        seal = read_data("header.seal", block.get("seal"), 65) if embedded else None
        return header, seal, told
    except (HeaderError, HexError) as error:
        raise HeaderRefused(Step.FORMAT, str(error)) from None


def _number(block: object) -> int | None:
    """The number that an ill-formed header claims, where it has one."""
    try:
        return int(str(block["number"]), 16) if isinstance(block, Mapping) else None
    except (KeyError, ValueError):
        return None


def _failed(rule: str) -> Outcome:
    return Outcome(0, None, None, Failure(None, None, Step.FORMAT, rule))
