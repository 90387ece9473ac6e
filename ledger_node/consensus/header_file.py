"""Checking a file of headers, as nodes answer eth_getBlockByNumber, from a genesis or a checkpoint on.

Pure. docs/formats/headers.md says what the file may hold and which rules are checked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger_node.consensus.follow import follow, is_final, start
from ledger_node.consensus.genesis_file import load_object
from ledger_node.consensus.rules import Consensus, Followed, HeaderRefused, Rules, Step, refuse
from ledger_node.genesis import GenesisError
from ledger_node.headers import Header, HeaderError, read_header
from ledger_node.hexvalues import HexError, data_hex, read_data, read_quantity

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

    @property
    def final(self) -> int | None:
        """The number of the last final block, None when nothing is known after any header of the list."""
        if self.followed is None:
            return None
        return (self.earlier or (self.followed,))[0].tip.number


def verify_headers(
    text: bytes,
    rules: Rules,
    known: Sequence[Followed] = (),
    tell: Callable[[int, int], None] = lambda done, total: None,
    trusted: Followed | None = None,
) -> Outcome:
    """What the file of headers shows. `tell` hears how many of how many are done.

    `known` are the states of a checkpoint, oldest first; only the first is sure to last. A list that begins with
    block 0 or 1 is followed from the genesis and must come by the first state; any other goes on from one of them.
    A list that comes by the block of `trusted`, the state of a trust file, must give that state.
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
    sure = (*known[:1], *(() if trusted is None else (trusted,)))
    first: int | None = None
    trail: list[Followed] = []
    for at, block in enumerate(given):
        header = None
        try:
            header, seal, told = _read(block, rules.consensus)
            if at == 0:
                first = header.number
                trail = _before(rules, known, header)
            followed = follow(rules, trail[-1], header, seal) if trail else start(rules, header, seal)
            _agree(followed, told, sure)
        except HeaderRefused as error:
            number = _number(block) if header is None else header.number
            return _outcome(at, first, trail, Failure(at, number, error.step, error.rule))
        trail = _since_final(rules, [*trail, followed], known)
        if at and at % _EACH == 0:
            tell(at, len(given))
    return _outcome(len(given), first, trail, _ends_early(trail[-1], known))


def _outcome(checked: int, first: int | None, trail: Sequence[Followed], failure: Failure | None) -> Outcome:
    """What is known after the headers that hold; nothing where none does."""
    if not checked:
        return Outcome(0, first, None, failure)
    return Outcome(checked, first, trail[-1], failure, tuple(trail[:-1]))


def _since_final(rules: Rules, trail: list[Followed], known: Sequence[Followed]) -> list[Followed]:
    """The trail from its last final block on. Its first block is final whatever stands on it, and so is `known`'s."""
    head = trail[-1].tip.number
    final = [at for at, each in enumerate(trail) if each in known[:1] or is_final(rules, each, head)]
    return trail[max(final, default=0) :]


def _ends_early(last: Followed, known: Sequence[Followed]) -> Failure | None:
    """Why a list proves nothing that ends before the block that it must come by."""
    if not known or last.tip.number >= known[0].tip.number:
        return None
    rule = f"the list ends with block {last.tip.number}, before block {known[0].tip.number} that the checkpoint knows"
    return Failure(None, last.tip.number, Step.CHECKPOINT, rule)


def _before(rules: Rules, known: Sequence[Followed], header: Header) -> list[Followed]:
    """The states from where the first header goes on, oldest first; none before block 0."""
    if header.number == 0:
        return []
    for at, state in enumerate(known, 1):
        if header.number == state.tip.number + 1:
            return list(known[:at])
    if header.number == 1 and rules.genesis is not None:
        return [start(rules, rules.genesis)]
    if not known:
        refuse(Step.NUMBER, f"the list begins with block {header.number}; give it from block 0 on, or a checkpoint")
    after = known[-1].tip.number + 1
    refuse(Step.NUMBER, f"the list begins with block {header.number}; give it from block 0 or from block {after} on")


def _agree(followed: Followed, told: bytes | None, sure: Sequence[Followed]) -> None:
    if told is not None and told != followed.tip.hash:
        refuse(Step.HASH, f"the hash given is not the one computed, {data_hex(followed.tip.hash)}")
    if any(followed.tip.number == each.tip.number and followed != each for each in sure):
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
        return read_quantity("number", block.get("number"), 64) if isinstance(block, Mapping) else None
    except HexError:
        return None


def _failed(rule: str) -> Outcome:
    return Outcome(0, None, None, Failure(None, None, Step.FORMAT, rule))
