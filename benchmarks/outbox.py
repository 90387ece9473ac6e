"""Writes through outboxes beside the same transactions signed beforehand, on any chain that an address names."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.consortium import BenchmarkError, signer_of
from benchmarks.result import Result, Sizes, both
from ledger_node.client import ChainClient
from ledger_node.embedded.launch import running_ledger
from ledger_node.fees import GasPolicy
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox
from ledger_node.transactions import Transaction

SHARE = 0.8
"""The least that writes through the outbox should be of raw ones."""
SENDERS = 2
THREADS = 4
"""How many threads write for each sender, as requests of its users would."""
LIMIT_SECONDS = 300.0
_GAS = 30_000
_LOOK = 0.02
_CARE = 0.5
_AGAINST = "the same transactions signed beforehand, over as many connections, kept nowhere"


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Writes a second on an embedded ledger."""
    senders = [signer_of(f"writer {at}") for at in range(2 * SENDERS)]
    with running_ledger(folder / "ledger") as ledger:
        yield measure(folder, ledger.http, senders, max(sizes.transfers // SENDERS // 3, THREADS), sizes.rounds)


def measure(folder: Path, url: str, senders: Sequence[LocalSigner], count: int, rounds: int) -> Result:
    """Writes a second through outboxes in files of `folder`, on the chain at `url`.

    The first half of the senders writes through an outbox each, the other half raw: an outbox is its key's only
    writer. `count` transactions a sender and round, until the last is in a block; the outboxes look at the chain
    meanwhile as in the API. Senders must be able to pay. Raises BenchmarkError when one is in no block within
    LIMIT_SECONDS.
    """
    client = ChainClient(url, timeout=60)
    policy = GasPolicy.of_chain(client)
    folder.mkdir(parents=True, exist_ok=True)
    writers, bare_writers = senders[: len(senders) // 2], senders[len(senders) // 2 :]
    outboxes = [Outbox(folder / f"outbox-{at}.db", client, each, policy=policy) for at, each in enumerate(writers)]
    numbers = iter(range(10**6))
    try:
        spent, bare = both(
            rounds,
            lambda: _through_outboxes(client, outboxes, writers, count, next(numbers)),
            lambda: _raw(client, bare_writers, count, policy),
        )
    finally:
        for outbox in outboxes:
            outbox.close()
    written = count * len(writers)
    what = f"{written} acts of {len(writers)} keys, {THREADS} threads a key, until the last is in a block"
    return Result("outbox.writes", what, written / spent, "acts/s", _AGAINST, written / bare, SHARE * written / bare)


def _through_outboxes(
    client: ChainClient, outboxes: Sequence[Outbox], senders: Sequence[LocalSigner], count: int, round_: int
) -> float:
    first = [client.nonce(each.address) for each in senders]
    done = threading.Event()

    def care() -> None:
        while not done.wait(_CARE):
            for outbox in outboxes:
                outbox.step()

    def job(outbox: Outbox, at: int) -> Callable[[], None]:
        def submit() -> None:
            for number in range(at, count, THREADS):
                outbox.submit(f"{round_}/{number}", bytes(20), b"", gas=_GAS)

        return submit

    jobs = [job(outbox, at) for outbox in outboxes for at in range(THREADS)]
    carer = threading.Thread(target=care, daemon=True)
    begun = time.perf_counter()
    carer.start()
    _together(jobs)
    _await(client, senders, [nonce + count for nonce in first], begun)
    spent = time.perf_counter() - begun
    done.set()
    carer.join()
    return spent


def _raw(client: ChainClient, senders: Sequence[LocalSigner], count: int, policy: GasPolicy) -> float:
    chain_id, first = client.chain_id(), [client.nonce(each.address) for each in senders]

    def job(raws: Sequence[bytes]) -> Callable[[], None]:
        def send() -> None:
            for raw in raws:
                client.send_raw(raw)

        return send

    jobs = []
    for sender, nonce in zip(senders, first, strict=True):
        raws = [
            sender.sign_transaction(Transaction(chain_id, nonce + number, bytes(20), b"", _GAS, policy.fee))
            for number in range(count)
        ]
        jobs += [job(raws[at::THREADS]) for at in range(THREADS)]
    begun = time.perf_counter()
    _together(jobs)
    _await(client, senders, [nonce + count for nonce in first], begun)
    return time.perf_counter() - begun


def _together(jobs: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS)


def _await(client: ChainClient, senders: Sequence[LocalSigner], nonces: Sequence[int], begun: float) -> None:
    for sender, nonce in zip(senders, nonces, strict=True):
        while client.nonce(sender.address) < nonce:
            if time.perf_counter() - begun > LIMIT_SECONDS:
                raise BenchmarkError(f"not all transactions are in a block after {LIMIT_SECONDS:g} s")
            time.sleep(_LOOK)
