"""Writes through outboxes on the network, as `cangdan bench` measures them: they all get there; nothing is timed."""

from pathlib import Path

from benchmarks.outbox import SHARE, THREADS, on_network
from tests.network.clique import Network


def test_the_benchmark_of_the_outbox_runs_on_the_network(network: Network, tmp_path: Path) -> None:
    before = [network.nodes[0].client.nonce(each.address) for each in network.payers]
    result = on_network(tmp_path, network, 2 * THREADS, 1)
    after = [network.nodes[0].client.nonce(each.address) for each in network.payers]
    assert [later - earlier for later, earlier in zip(after, before, strict=True)] == [2 * THREADS] * 4
    assert (result.name, result.goal) == ("outbox.network", SHARE * result.baseline)
    assert result.measured > 0
