"""Writes through outboxes beside the same transactions signed beforehand: on the embedded ledger, on a real network."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.consortium import BenchmarkError, signer_of
from benchmarks.result import Result, Sizes, both
from ledger_node.client import ChainClient
from ledger_node.embedded.launch import running_ledger
from ledger_node.fees import GasPolicy
from ledger_node.hexvalues import data_hex
from ledger_node.keys import LocalSigner
from ledger_node.networks.clique import FINALITY, GETH_VERSION, Network, NetworkError, built_geth, running
from ledger_node.outbox import Outbox
from ledger_node.transactions import Transaction

SHARE = 0.8
"""The least that writes through the outbox should be of raw ones."""
SENDERS = 2
THREADS = 16
"""How many threads write for each sender, as requests of its users would."""
LIMIT_SECONDS = 300.0
NETWORK_TIMES = 24
"""So many times as much is written on the network: its blocks come once a second, and a turn ends with one."""
NETWORK_MOST = 6_000
"""Of one key: its signers keep few more than half of that, and raw writes come faster than they are sealed."""
_GAS = 30_000
_LOOK = 0.02
_CARE = 0.5
_AGAINST = "the same transactions signed beforehand, over as many connections, kept nowhere"


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Writes a second on an embedded ledger, and on four Clique signers where tools/geth.sh has built geth.

    Raises BenchmarkError.
    """
    senders = [signer_of(f"writer {at}") for at in range(2 * SENDERS)]
    count = max(sizes.transfers // SENDERS // 3, THREADS)
    with running_ledger(folder / "ledger") as ledger:
        yield measure("outbox.writes", folder, ledger.http, senders, count, sizes.rounds)
    geth = built_geth()
    if geth is None:
        return
    try:
        with running(Network(str(geth), folder / "network")) as network:
            yield on_network(folder / "network", network, min(NETWORK_TIMES * count, NETWORK_MOST), sizes.rounds)
    except NetworkError as error:
        raise BenchmarkError(str(error)) from None


def on_network(folder: Path, network: Network, count: int, rounds: int) -> Result:
    """Writes a second on a running network of signers: what its payers write at its first one."""
    result = measure("outbox.network", folder, network.nodes[0].rpc, network.payers, count, rounds, FINALITY)
    what = f"{result.what}, on {len(network.nodes)} signers of geth {GETH_VERSION}, a block a second"
    return replace(result, what=what, goal=SHARE * result.baseline)


def measure(
    name: str, folder: Path, url: str, senders: Sequence[LocalSigner], count: int, rounds: int, finality: int = 0
) -> Result:
    """Writes a second through outboxes in files of `folder`, on the chain at `url` (http).

    The first half of the senders writes through an outbox each, the other half raw: an outbox is its key's only
    writer. `count` transactions a sender and round, until the last is in a block; the outboxes look at the chain
    meanwhile as in the API. Senders must be able to pay. Raises BenchmarkError when one is in no block within
    LIMIT_SECONDS.
    """
    client = ChainClient(url, timeout=60)
    policy = GasPolicy.of_chain(client)
    folder.mkdir(parents=True, exist_ok=True)
    writers, bare_writers = senders[: len(senders) // 2], senders[len(senders) // 2 :]
    outboxes = [
        Outbox(folder / f"outbox-{at}.db", client, each, policy=policy, finality=finality)
        for at, each in enumerate(writers)
    ]
    numbers = iter(range(10**6))
    try:
        spent, bare = both(
            rounds,
            lambda: _through_outboxes(client, outboxes, writers, count, next(numbers)),
            lambda: _raw(client, url, bare_writers, count, policy),
        )
    finally:
        for outbox in outboxes:
            outbox.close()
    written = count * len(writers)
    what = f"{written} acts of {len(writers)} keys, {THREADS} threads a key, until the last is in a block"
    return Result(name, what, written / spent, "acts/s", _AGAINST, written / bare)


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


def _raw(client: ChainClient, url: str, senders: Sequence[LocalSigner], count: int, policy: GasPolicy) -> float:
    """The seconds that posts over kept connections take, whose bodies were made before."""
    chain_id, first = client.chain_id(), [client.nonce(each.address) for each in senders]
    jobs: list[Callable[[], None]] = []
    for sender, nonce in zip(senders, first, strict=True):
        raws = [
            sender.sign_transaction(Transaction(chain_id, nonce + number, bytes(20), b"", _GAS, policy.fee))
            for number in range(count)
        ]
        queue = deque(_body(raw) for raw in raws)  # nodes keep few transactions whose predecessors they lack
        jobs += [_poster(url, queue) for _ in range(THREADS)]
    begun = time.perf_counter()
    _together(jobs)
    _await(client, senders, [nonce + count for nonce in first], begun)
    return time.perf_counter() - begun


def _body(raw: bytes) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [data_hex(raw)]}
    ).encode()


def _poster(url: str, queue: deque[bytes]) -> Callable[[], None]:
    """Posts what the threads of one sender have not posted yet, in its order."""

    def post() -> None:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
        while True:
            try:
                body = queue.popleft()
            except IndexError:
                break
            connection.request("POST", "/", body, {"content-type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            if "result" not in answer:
                raise BenchmarkError(f"the node refuses a transaction: {answer}")
        connection.close()

    return post


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
