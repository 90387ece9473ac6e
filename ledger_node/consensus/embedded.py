"""Headers of the embedded ledger: one sealer signs each block hash (docs/formats/headers.md). Pure."""

from ledger_node.consensus.rules import (
    ZERO_HASH,
    Followed,
    Rules,
    Step,
    check_common_fields,
    check_link,
    refuse,
    tip_of,
)
from ledger_node.headers import Header, HeaderError, check_seal


def start(rules: Rules, header: Header, block_hash: bytes) -> Followed:
    """What is known after block 0, whose hash is trusted."""
    return Followed(tip_of(header, block_hash), () if rules.sealer is None else (rules.sealer,))


def follow(rules: Rules, followed: Followed, header: Header, seal: bytes | None) -> Followed:
    """What is known after the next header. Raises HeaderRefused."""
    check_link(rules, followed.tip, header)
    check_common_fields(header)
    if header.difficulty != 1:
        refuse(Step.FIELDS, "difficulty must be 1")
    if header.mix_hash != ZERO_HASH or header.nonce != bytes(8):
        refuse(Step.FIELDS, "mixHash and nonce must be 0")
    if header.base_fee_per_gas is not None:
        refuse(Step.FIELDS, "an embedded ledger has no base fee")
    if header.extra_data:
        refuse(Step.EXTRA, "extraData must be empty")
    if header.gas_limit != (followed.tip.gas_limit if rules.gas_limit is None else rules.gas_limit):
        refuse(Step.FIELDS, "gasLimit is not that of the genesis file")
    if header.coinbase != rules.sealer:
        refuse(Step.PROPOSER, "miner is not the sealer")
    block_hash = header.hash()
    if seal is None:
        refuse(Step.SEALS, "the seal is missing")
    check_seal_of(rules, block_hash, seal)
    return Followed(tip_of(header, block_hash), followed.validators)


def check_seal_of(rules: Rules, block_hash: bytes, seal: bytes) -> None:
    """Check that the chain's sealer sealed this hash. Raises HeaderRefused (seals)."""
    if rules.sealer is None:
        refuse(Step.SEALS, "no sealer is known")
    try:
        check_seal(block_hash, seal, rules.sealer)
    except HeaderError as error:
        refuse(Step.SEALS, str(error))
