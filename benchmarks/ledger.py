"""The embedded ledger as a process, over HTTP and on the disk, beside the bare execution of the same transactions."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.consortium import GAS, BenchmarkError, Consortium, found, serving, signer_of
from benchmarks.load import Stream, drive
from benchmarks.result import Result, Sizes, seconds
from ledger_node.embedded.store import ReadStore
from ledger_node.embedded.vm import apply_transaction, child_header, decode_transaction, open_state
from ledger_node.keys import LocalSigner
from ledger_node.transactions import Transaction
from registry.acts import Contract

SENDERS = 24
GOAL = 100.0
_AGAINST = "the same transactions executed by the bare machine in this process: no HTTP, no disk, no blocks"
_TRANSFER_GAS = 21_000
_Make = Callable[[Consortium, Sequence[LocalSigner], int], list[Stream]]


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Issue acts and transfers a second, each on a ledger of its own."""
    issues, transfers = min(SENDERS, sizes.issues), min(SENDERS, sizes.transfers)
    yield _measure(folder / "issues", "ledger.issue", "issue acts with two consents", _issues, sizes.issues, issues)
    yield _measure(
        folder / "transfers", "ledger.transfer", "transfers of 1 wei", _transfers, sizes.transfers, transfers
    )


def _measure(folder: Path, name: str, what: str, make: _Make, count: int, senders: int) -> Result:
    signers = [signer_of(f"sender {at}") for at in range(senders)]
    made = found(folder, [each.address for each in signers])
    try:
        streams = make(made, signers, count)
    finally:
        made.chain.close()
    raws = [raw for stream in streams for raw in stream]
    bare = seconds(lambda: _execute(folder, raws))
    with serving(folder) as ledger:
        spent = drive(ledger.port, streams)
    through = f"{what}, {len(raws)} from {senders} senders, each with a connection, until the last is in a block"
    goal = GOAL if name == "ledger.issue" else None
    return Result(name, through, len(raws) / spent, "transactions/s", _AGAINST, len(raws) / bare, goal)


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
            if not apply_transaction(state, header, decode_transaction(raw)).succeeded:
                raise BenchmarkError("a transaction failed when it was executed bare")
    finally:
        store.close()
