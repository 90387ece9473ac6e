"""Making a trust file from a node that the verifier runs and believes."""

from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, check_in_place
from ledger_node.headers import HeaderError, check_seal
from ledger_node.trust import Engine, PinnedBlock, Trust, TrustError


def export_trust(
    client: ChainClient, addresses: Addresses, pins: tuple[int, ...] = (), sealer: bytes | None = None
) -> Trust:
    """The trust in the chain that `client` shows: with `pins`, in those blocks; else in the embedded ledger's sealer.

    The sealer is the coinbase of block 0 unless it is given; the newest block must carry its seal. Raises
    DeployError when the contracts are not in place, TrustError when the newest block has no such seal.
    """
    check_in_place(client, addresses)
    contracts = tuple(sorted((each.trusted() for each in addresses.contracts), key=lambda each: each.name))
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
