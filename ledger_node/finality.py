"""When a block is final: explicit, by how many blocks stand on it (QBFT and the embedded ledger 0)."""


def newest_final(head: int, finality: int) -> int:
    """The number of the newest block with `finality` blocks on top of it; below 0 while there is none."""
    return head - finality
