"""The embedded ledger as a process, over HTTP and on the disk, beside the bare execution of the same transactions."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.consortium import GAS, BenchmarkError, Consortium, found, serving, signer_of
from benchmarks.load import Stream, drive
from benchmarks.result import Result, Sizes, cpu_seconds, seconds
from ledger_node.embedded.store import ReadStore
from ledger_node.embedded.vm import apply_transaction, child_header, decode_transaction, open_state
from ledger_node.keys import LocalSigner
from ledger_node.transactions import Transaction
from registry.acts import Contract

SENDERS = 24
GOAL = 100.0
_AGAINST = "the same transactions executed by the bare machine in this process: no HTTP, no disk, no blocks"
_TRANSFER_GAS = 21_000


@dataclass(frozen=True, slots=True)
class _Load:
    """Transactions of one kind, and how they are made for senders."""

    name: str
    what: str
    make: Callable[[Consortium, Sequence[LocalSigner], int], list[Stream]]
    count: int


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Issue acts and transfers, each on a ledger of its own: how many a second, and what each costs of a processor."""
    issues = _Load("ledger.issue", "issue acts with two consents", _issues, sizes.issues)
    transfers = _Load("ledger.transfer", "transfers of 1 wei", _transfers, sizes.transfers)
    yield from _measure(folder / "issues", issues, GOAL)
    yield from _measure(folder / "transfers", transfers, None)


def _measure(folder: Path, load: _Load, goal: float | None) -> Iterator[Result]:
    signers = [signer_of(f"sender {at}") for at in range(min(SENDERS, load.count))]
    made = found(folder, [each.address for each in signers])
    try:
        streams = load.make(made, signers, load.count)
    finally:
        made.chain.close()
    raws = [raw for stream in streams for raw in stream]
    begun = time.process_time()
    bare = seconds(lambda: _execute(folder, raws))
    bare_cpu = time.process_time() - begun
    with serving(folder) as ledger:
        before = cpu_seconds(ledger.process.pid)
        spent = drive(ledger.port, streams)
        used = cpu_seconds(ledger.process.pid) - before
    what = f"{load.count} {load.what} from {len(signers)} connections over HTTP, until the last is in a durable block"
    yield Result(load.name, what, load.count / spent, "transactions/s", _AGAINST, load.count / bare, goal)
    what = f"processor time of the ledger for each of these {load.what}, which other programs disturb little"
    each, bare_each = 1000 * used / load.count, 1000 * bare_cpu / load.count
    yield Result(f"{load.name}.cpu", what, each, "ms", _AGAINST, bare_each)


def _issues(made: Consortium, signers: Sequence[LocalSigner], count: int) -> list[Stream]:
    desk = made.deployment.addresses[Contract.ISSUE_DESK]
    calls = [made.issue_data(number) for number in range(count)]
    return _streams(made, signers, [(desk, data, GAS, 0) for data in calls])


def _transfers(made: Consortium, signers: Sequence[LocalSigner], count: int) -> list[Stream]:
    return _streams(made, signers, [(signer_of("receiver").address, b"", _TRANSFER_GAS, 1)] * count)


def _streams(
    made: Consortium, signers: Sequence[LocalSigner], calls: Sequence[tuple[bytes, bytes, int, int]]
) -> list[Stream]:
    """The signed transactions of each sender in order of nonce, with the calls dealt out in turn."""
    streams: list[Stream] = [[] for _ in signers]
    chain_id = made.deployment.chain_id
    for number, (to, data, gas, value) in enumerate(calls):
        at = number % len(signers)
        transaction = Transaction(chain_id, len(streams[at]), to, data, gas, value=value)
        streams[at].append(signers[at].sign_transaction(transaction))
    return streams


def _execute(folder: Path, raws: Sequence[bytes]) -> None:
    """Decodes, recovers the senders, executes; nothing is kept."""
    store = ReadStore(folder)
    try:
        head = store.head()
        assert head is not None
        header = child_header(head.header, head.header.coinbase, head.header.timestamp + 5)
        state = open_state(store.state(), header, decode_transaction(raws[0]).chain_id or 0, ())
        for raw in raws:
            if not apply_transaction(state, 0, decode_transaction(raw)).succeeded:
                raise BenchmarkError("a transaction failed when it was executed bare")
    finally:
        store.close()
