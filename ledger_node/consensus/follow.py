"""One door to the rules of all consensuses: beginning at block 0 and going on block by block. Pure."""

from collections.abc import Callable

from ledger_node.consensus import clique, embedded, qbft
from ledger_node.consensus.rules import Consensus, Followed, HeaderRefused, Rules, Step, refuse
from ledger_node.headers import Header, HeaderError

_STARTS: dict[Consensus, Callable[[Rules, Header, bytes], Followed]] = {
    Consensus.EMBEDDED: embedded.start,
    Consensus.QBFT: qbft.start,
    Consensus.CLIQUE: clique.start,
}


def start(rules: Rules, header: Header, seal: bytes | None = None) -> Followed:
    """What is known after block 0, which must be that of the genesis. Raises HeaderRefused.

    `seal` is the embedded ledger's; block 0 is known without it, and it must be the sealer's where it is given.
    """
    if header.number != 0:
        refuse(Step.NUMBER, f"block {header.number} is not block 0")
    try:
        block_hash = header.hash()
    except HeaderError as error:
        raise HeaderRefused(Step.EXTRA, str(error)) from None
    if block_hash != rules.genesis_hash or (rules.genesis is not None and header != rules.genesis):
        refuse(Step.GENESIS, "block 0 is not the block of the genesis that is trusted")
    if seal is not None and rules.consensus is Consensus.EMBEDDED:
        embedded.check_seal_of(rules, block_hash, seal)
    return _STARTS[rules.consensus](rules, header, block_hash)


def follow(rules: Rules, followed: Followed, header: Header, seal: bytes | None = None) -> Followed:
    """What is known after the block that comes next. `seal` is the embedded ledger's. Raises HeaderRefused."""
    if rules.consensus is Consensus.EMBEDDED:
        return embedded.follow(rules, followed, header, seal)
    if seal is not None:
        refuse(Step.FORMAT, "a seal beside the header belongs to an embedded ledger")
    if rules.consensus is Consensus.QBFT:
        return qbft.follow(rules, followed, header)
    return clique.follow(rules, followed, header)


def confirmations(rules: Rules, followed: Followed) -> int:
    """How many blocks must stand on the followed one before it is final."""
    return clique.depth(len(followed.validators)) if rules.consensus is Consensus.CLIQUE else 0


def is_final(rules: Rules, followed: Followed, head: int) -> bool:
    """Whether the followed block is final by itself when its chain reaches block `head`."""
    return head - followed.tip.number >= confirmations(rules, followed)
