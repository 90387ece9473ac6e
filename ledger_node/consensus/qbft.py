"""QBFT headers (Enterprise Ethereum QBFT 1; Besu, GoQuorum): a quorum of a set that votes change seals each block.

Pure. extraData is RLP([vanity, validators, vote, round, seals]). The block hash leaves out round and seals; what is
sealed is the header with its real round and no seals, so both are one digest in round 0.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from ledger_node.consensus.rules import (
    Client,
    Followed,
    Rules,
    Step,
    Vote,
    check_common_fields,
    check_link,
    refuse,
    tip_of,
)
from ledger_node.consensus.votes import cast
from ledger_node.hashing import keccak256
from ledger_node.headers import QBFT_MIX_HASH, Header
from ledger_node.rlp_strict import Item, RlpError, decode, encode, read_scalar, scalar
from ledger_node.secp256k1 import SignatureError, recover_sealer

_ADD, _DROP = b"\xff", b""
_NO_NONCE = bytes(8)
_NOBODY = bytes(20)
_ROUND_BYTES = 4


@dataclass(frozen=True, slots=True)
class Extra:
    """The parts of extraData; `vote` is (address, to add it) or None."""

    vanity: bytes
    validators: tuple[bytes, ...]
    vote: tuple[bytes, bool] | None
    round: int
    seals: tuple[bytes, ...]

    def encoded(self) -> bytes:
        """The one RLP of these parts."""
        vote: list[Item] = [] if self.vote is None else [self.vote[0], _ADD if self.vote[1] else _DROP]
        return encode([self.vanity, list(self.validators), vote, scalar(self.round), list(self.seals)])


def quorum(members: int) -> int:
    """How many of `members` validators must seal a block: two thirds, rounded up."""
    return -(-2 * members // 3)


def read_extra(extra_data: bytes) -> Extra:
    """The parts of a QBFT header's extraData. Raises HeaderRefused (extra)."""
    try:
        parts = decode(extra_data)
    except RlpError as error:
        refuse(Step.EXTRA, f"extraData is {error}")
    if isinstance(parts, bytes) or len(parts) != 5:
        refuse(Step.EXTRA, "extraData has not the five parts of QBFT")
    vanity, validators, vote, round_, seals = parts
    if not isinstance(vanity, bytes) or len(vanity) != 32:
        refuse(Step.EXTRA, "the vanity is not 32 bytes")
    listed = _strings(validators, 20, "validators")
    if any(one >= other for one, other in pairwise(listed)):
        refuse(Step.EXTRA, "the validators are not ascending, each once")
    try:
        number = read_scalar(round_, _ROUND_BYTES)
    except RlpError as error:
        refuse(Step.EXTRA, f"the round is {error}")
    return Extra(vanity, listed, _vote(vote), number, _strings(seals, 65, "seals"))


def start(rules: Rules, header: Header, block_hash: bytes) -> Followed:
    """What is known after block 0, whose hash is trusted. Raises HeaderRefused."""
    if header.mix_hash != QBFT_MIX_HASH:
        refuse(Step.FIELDS, "mixHash is not that of QBFT")
    extra = read_extra(header.extra_data)
    if extra.round or extra.seals:
        refuse(Step.EXTRA, "block 0 has a round or seals")
    validators = rules.set_from(1) or extra.validators
    if not validators:
        refuse(Step.SET, "block 0 lists no validators")
    return Followed(tip_of(header, block_hash), validators)


def follow(rules: Rules, followed: Followed, header: Header) -> Followed:
    """What is known after the next header. Raises HeaderRefused."""
    check_link(rules, followed.tip, header)
    block_hash, extra = check_alone(header, followed.validators)
    votes, validators = followed.votes, followed.validators
    vote = extra.vote
    if header.number % rules.epoch == 0:
        votes = ()
        vote = None if rules.client is Client.BESU else vote
    if vote is None and rules.client is not Client.BESU:
        vote = (_NOBODY, False)  # GoQuorum reads a missing vote as one to drop the zero address
    if vote is not None:
        _check_overtaken(rules, followed, vote[0])
        validators, votes = cast(rules.client, validators, votes, Vote(header.coinbase, *vote))
    ordered = rules.set_from(header.number + 1)
    if ordered is not None:
        # GoQuorum replaces the set alone; what was voted before counts on.
        validators, votes = ordered, votes if rules.client is Client.GOQUORUM else ()
    return Followed(tip_of(header, block_hash), validators, votes)


def check_alone(header: Header, validators: tuple[bytes, ...]) -> tuple[bytes, Extra]:
    """Check that `validators` are the set and sealed the header; its hash and extra data. Raises HeaderRefused."""
    check_common_fields(header)
    if header.mix_hash != QBFT_MIX_HASH:
        refuse(Step.FIELDS, "mixHash is not that of QBFT")
    if header.difficulty != 1:
        refuse(Step.FIELDS, "difficulty must be 1")
    if header.nonce != _NO_NONCE:
        refuse(Step.FIELDS, "nonce must be 0")
    extra = read_extra(header.extra_data)
    if extra.validators != validators:
        refuse(Step.SET, "the validators listed are not the followed set")
    if header.coinbase not in validators:
        refuse(Step.PROPOSER, "miner is none of the validators")
    return _check_seals(header, extra, validators), extra


def _check_overtaken(rules: Rules, followed: Followed, subject: bytes) -> None:
    """Refuse a vote on an address about which votes wait that a set of the genesis file has made to mean nothing.

    GoQuorum counts it with those, whichever way it goes, and one voter twice: nobody means such votes.
    """
    if rules.client is Client.GOQUORUM and any(
        each.subject == subject and each.add == (subject in followed.validators) for each in followed.votes
    ):
        refuse(Step.VOTE, "a vote on an address whose waiting votes a transition has overtaken cannot be counted")


def sealers_of(header: Header, extra: Extra) -> tuple[bytes, ...]:
    """The addresses whose seals stand in extraData, in their order. Raises HeaderRefused (seals)."""
    digest = _digest(header, extra, extra.round)
    try:
        return tuple(recover_sealer(digest, seal) for seal in extra.seals)
    except SignatureError as error:
        refuse(Step.SEALS, str(error))


def _check_seals(header: Header, extra: Extra, validators: tuple[bytes, ...]) -> bytes:
    """Check the seals; the block hash."""
    needed = quorum(len(validators))
    if len(extra.seals) < needed:
        refuse(Step.SEALS, f"{len(extra.seals)} seals, {needed} are needed of {len(validators)} validators")
    digest = _digest(header, extra, extra.round)
    found: set[bytes] = set()
    for at, seal in enumerate(extra.seals):
        try:
            sealer = recover_sealer(digest, seal)
        except SignatureError as error:
            refuse(Step.SEALS, f"seal {at}: {error}")
        if sealer not in validators:
            refuse(Step.SEALS, f"seal {at} is of no validator of this block")
        if sealer in found:
            refuse(Step.SEALS, f"seal {at} is by a validator that sealed already")
        found.add(sealer)
    return digest if extra.round == 0 else _digest(header, extra, 0)


def _digest(header: Header, extra: Extra, round_: int) -> bytes:
    bare = replace(extra, round=round_, seals=())
    return keccak256(replace(header, extra_data=bare.encoded()).encoded())


def _strings(item: Item, size: int, name: str) -> tuple[bytes, ...]:
    if isinstance(item, bytes):
        refuse(Step.EXTRA, f"the {name} are not a list")
    strings = [each for each in item if isinstance(each, bytes) and len(each) == size]
    if len(strings) != len(item):
        refuse(Step.EXTRA, f"one of the {name} is not {size} bytes")
    return tuple(strings)


def _vote(item: Item) -> tuple[bytes, bool] | None:
    if item == []:
        return None
    if isinstance(item, bytes) or len(item) != 2:
        refuse(Step.VOTE, "the vote is neither empty nor a pair")
    subject, direction = item
    if not isinstance(subject, bytes) or len(subject) != 20:
        refuse(Step.VOTE, "the vote is on no address")
    if direction not in (_ADD, _DROP):
        refuse(Step.VOTE, "the vote is neither to add (0xff) nor to drop (empty)")
    return subject, direction == _ADD
