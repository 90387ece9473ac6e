"""Making a trust file from a node that the verifier runs and believes."""

from collections.abc import Callable

from ledger_node.client import ChainClient
from ledger_node.consensus.follow import confirmations, follow, is_final, start
from ledger_node.consensus.rules import Followed, HeaderRefused, Rules
from ledger_node.deploy import Addresses, check_in_place
from ledger_node.headers import HeaderError, check_seal
from ledger_node.trust import Engine, PinnedBlock, Trust, TrustedContract, TrustError


def export_trust(
    client: ChainClient, addresses: Addresses, pins: tuple[int, ...] = (), sealer: bytes | None = None
) -> Trust:
    """The trust in the chain that `client` shows: with `pins`, in those blocks; else in the embedded ledger's sealer.

    The sealer is the coinbase of block 0 unless it is given; the newest block must carry its seal. Raises
    DeployError when the contracts are not in place, TrustError when the newest block has no such seal.
    """
    contracts = _contracts(client, addresses)
    genesis = client.block(0)
    if pins:
        pinned = tuple(PinnedBlock(number, client.block(number).hash) for number in sorted(set(pins)))
        return Trust(Engine.PINNED, addresses.chain_id, genesis.hash, pinned=pinned, contracts=contracts)
    chosen = genesis.header.coinbase if sealer is None else sealer
    newest = client.block()
    if newest.seal is None:
        raise TrustError("the node's blocks carry no seal: it is no embedded ledger")
    try:
        check_seal(newest.hash, newest.seal, chosen)
    except HeaderError as error:
        raise TrustError(f"the newest block: {error}") from None
    return Trust(Engine.EMBEDDED, addresses.chain_id, genesis.hash, sealer=chosen, contracts=contracts)


def export_followed(
    client: ChainClient,
    addresses: Addresses,
    rules: Rules,
    checkpoint: Followed | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Trust:
    """The trust in the validators that the node's own headers give, followed to its last final block.

    `rules` are those of a QBFT or Clique genesis file, which the node must have; `checkpoint` saves the way from
    block 0. `tell` hears how far that is. Raises DeployError, and TrustError when a header breaks a rule.
    """
    contracts = _contracts(client, addresses)
    genesis = client.block(0)
    if rules.chain_id != addresses.chain_id or genesis.hash != rules.genesis_hash:
        raise TrustError("the node's block 0 is not that of the genesis file")
    number = 0
    try:
        followed = start(rules, genesis.header) if checkpoint is None else checkpoint
        head = client.block_number()
        while (number := followed.tip.number + 1) <= head - confirmations(rules, followed):
            after = follow(rules, followed, client.block(number).header)
            if not is_final(rules, after, head):
                break
            followed = after
            tell(number, head)
    except HeaderRefused as error:
        raise TrustError(f"block {number} of the node: {error}") from None
    return Trust(
        Engine(rules.consensus.value),
        rules.chain_id,
        rules.genesis_hash,
        contracts=contracts,
        rules=rules,
        checkpoint=followed,
    )


def _contracts(client: ChainClient, addresses: Addresses) -> tuple[TrustedContract, ...]:
    check_in_place(client, addresses)
    return tuple(sorted((each.trusted() for each in addresses.contracts), key=lambda each: each.name))
