"""Clique headers (EIP-225, in the corners as geth 1.13): the signers of a set that votes change seal by turns.

Pure. extraData is a vanity of 32 bytes, in epoch blocks the signers, and the seal over the header without it.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from ledger_node.consensus.rules import (
    ZERO_HASH,
    Followed,
    Recent,
    Rules,
    Step,
    Tip,
    Vote,
    check_common_fields,
    check_link,
    refuse,
    tip_of,
)
from ledger_node.consensus.votes import cast
from ledger_node.hashing import keccak256
from ledger_node.headers import Header
from ledger_node.secp256k1 import SignatureError, recover_sealer

VANITY, SEAL, ADDRESS = 32, 65, 20
IN_TURN, OUT_OF_TURN = 2, 1
_ADD, _DROP = b"\xff" * 8, bytes(8)
_NOBODY = bytes(ADDRESS)
_LEAST_GAS_LIMIT = 5_000
_GAS_LIMIT_STEP = 1_024
_ELASTICITY = 2
_BASE_FEE_STEP = 8
_FIRST_BASE_FEE = 10**9


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a header says by itself: its hash, who sealed it, and the signers that an epoch block lists."""

    hash: bytes
    signer: bytes
    listed: tuple[bytes, ...]


def depth(members: int) -> int:
    """How many blocks must stand on a block of a set of `members` before it is final."""
    return members // 2 + 1


def is_clique(header: Header) -> bool:
    """Whether a header has the form of a Clique chain's after block 0; nothing is checked."""
    return (
        header.difficulty in (IN_TURN, OUT_OF_TURN)
        and len(header.extra_data) >= VANITY + SEAL
        and (header.mix_hash == ZERO_HASH)
    )


def start(rules: Rules, header: Header, block_hash: bytes) -> Followed:
    """What is known after block 0, whose hash is trusted. Raises HeaderRefused."""
    listed = _listed(header)
    if not listed:
        refuse(Step.SET, "block 0 lists no signers")
    return Followed(tip_of(header, block_hash), tuple(sorted(listed)))


def follow(rules: Rules, followed: Followed, header: Header) -> Followed:
    """What is known after the next header. Raises HeaderRefused."""
    check_link(rules, followed.tip, header)
    sealed = check_alone(rules, header, followed.validators)
    check_gas(rules, followed.tip, header)
    number = header.number
    recents = signed(followed.recents, Recent(number, sealed.signer), depth(len(followed.validators)))
    votes = () if number % rules.epoch == 0 else followed.votes
    vote = Vote(sealed.signer, header.coinbase, header.nonce == _ADD)
    validators, votes = cast(rules.client, followed.validators, votes, vote)
    if len(validators) < len(followed.validators):
        recents = tuple(each for each in recents if each.number != number - depth(len(validators)))
    return Followed(tip_of(header, sealed.hash), validators, votes, recents)


def check_alone(rules: Rules, header: Header, validators: tuple[bytes, ...]) -> Sealed:
    """Check what a header shows by itself against the set before it. Raises HeaderRefused."""
    _check_fields(rules, header)
    listed = _listed(header)
    epoch_block = header.number % rules.epoch == 0
    if epoch_block and listed != validators:
        refuse(Step.SET, "the epoch block does not list the followed set")
    if listed and not epoch_block:
        refuse(Step.EXTRA, "extraData lists signers outside an epoch block")
    signer = signer_of(header)
    if signer not in validators:
        refuse(Step.SIGNER, "the seal is of no signer of this block")
    turn = header.number % len(validators) == validators.index(signer)
    if header.difficulty != (IN_TURN if turn else OUT_OF_TURN):
        refuse(Step.TURN, f"difficulty {header.difficulty} of a block sealed {'in' if turn else 'out of'} turn")
    return Sealed(header.hash(), signer, listed)


def signed(recents: tuple[Recent, ...], seal: Recent, limit: int) -> tuple[Recent, ...]:
    """Who sealed lately, after one more seal. Raises HeaderRefused (recent) when that signer still has to wait."""
    waiting = tuple(each for each in recents if each.number != seal.number - limit)
    if any(each.signer == seal.signer for each in waiting):
        refuse(Step.RECENT, f"its signer sealed one of the {limit - 1} blocks before")
    return (*waiting, seal)


def check_gas(rules: Rules, parent: Tip, header: Header) -> None:
    """Check gas limit and base fee against the parent's (EIP-1559 from London on). Raises HeaderRefused."""
    london = rules.has_base_fee(header.number)
    if (header.base_fee_per_gas is not None) != london:
        refuse(Step.FIELDS, f"baseFeePerGas {'is missing' if london else 'stands before London'}")
    first = london and parent.base_fee_per_gas is None
    before = parent.gas_limit * (_ELASTICITY if first else 1)
    if header.gas_limit < _LEAST_GAS_LIMIT:
        refuse(Step.FIELDS, f"gasLimit is below {_LEAST_GAS_LIMIT}")
    if abs(header.gas_limit - before) >= before // _GAS_LIMIT_STEP:
        refuse(Step.FIELDS, "gasLimit differs from the parent's by parent / 1024 or more")
    if london and header.base_fee_per_gas != _next_base_fee(parent):
        refuse(Step.FIELDS, f"baseFeePerGas is not {_next_base_fee(parent)}")


def _next_base_fee(parent: Tip) -> int:
    if parent.base_fee_per_gas is None:
        return _FIRST_BASE_FEE
    fee, target = parent.base_fee_per_gas, parent.gas_limit // _ELASTICITY
    change = fee * abs(parent.gas_used - target) // target // _BASE_FEE_STEP
    if parent.gas_used > target:
        return fee + max(change, 1)
    return fee - change


def _check_fields(rules: Rules, header: Header) -> None:
    check_common_fields(header)
    if header.mix_hash != ZERO_HASH:
        refuse(Step.FIELDS, "mixHash must be 0")
    if header.withdrawals_root is not None or header.blob_gas_used is not None:
        refuse(Step.FIELDS, "Clique has no field of Shanghai or later")
    if header.difficulty not in (IN_TURN, OUT_OF_TURN):
        refuse(Step.FIELDS, "difficulty must be 1 or 2")
    if header.nonce not in (_ADD, _DROP):
        refuse(Step.FIELDS, "nonce must be 0 or 2^64 - 1")
    if header.number % rules.epoch == 0 and (header.coinbase != _NOBODY or header.nonce != _DROP):
        refuse(Step.VOTE, "miner and nonce of an epoch block must be 0")


def _listed(header: Header) -> tuple[bytes, ...]:
    """The signers between vanity and seal."""
    middle = header.extra_data[VANITY:-SEAL]
    if len(header.extra_data) < VANITY + SEAL or len(middle) % ADDRESS:
        refuse(Step.EXTRA, "extraData is not 32 bytes, addresses and a seal of 65 bytes")
    listed = tuple(middle[at : at + ADDRESS] for at in range(0, len(middle), ADDRESS))
    if header.number > 0 and any(one >= other for one, other in pairwise(listed)):
        refuse(Step.EXTRA, "the signers are not ascending, each once")
    return listed


def signer_of(header: Header) -> bytes:
    """The address whose seal stands in extraData. Raises HeaderRefused (signer)."""
    bare = replace(header, extra_data=header.extra_data[:-SEAL])
    try:
        return recover_sealer(keccak256(bare.encoded()), header.extra_data[-SEAL:])
    except SignatureError as error:
        refuse(Step.SIGNER, f"the seal: {error}")
