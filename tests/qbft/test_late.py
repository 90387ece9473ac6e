"""A node comes late, with nothing but the genesis file: it fetches all blocks, and an index of it is that of others."""

from pathlib import Path

from tests.network.indexes import final_rows
from tests.qbft.headers import told_alike
from tests.qbft.validators import Network, Node


def test_it_has_the_blocks_of_the_others(late: Node, network: Network) -> None:
    head = late.head
    network.wait_for_block(head)
    told = [{node.client.block(number).hash for node in network.running} for number in (0, 1, head // 2, head)]
    assert [len(each) for each in told] == [1, 1, 1, 1]
    assert len(network.running) == 5


def test_an_index_of_it_is_what_the_product_has(late: Node, product: Path, tmp_path: Path) -> None:
    live, fresh = final_rows(product, late.client, 0, tmp_path)
    assert told_alike(live) == told_alike(fresh)
    assert len(fresh["versions"]) > 20
