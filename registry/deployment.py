"""Where the contracts are, from the files that say so."""

from ledger_node.deploy import Addresses
from registry.acts import Contract
from registry.transitions import Deployment


def deployment_of(addresses: Addresses) -> Deployment:
    """The deployment in an addresses file; contracts of other names are left out."""
    names = {each.value for each in Contract}
    return Deployment(
        addresses.chain_id,
        {Contract(each.name): each.address for each in addresses.contracts if each.name in names},
    )


def first_block(addresses: Addresses) -> int:
    """The block that created the first of the contracts: an index need not look before it."""
    return min(each.block for each in addresses.contracts)
