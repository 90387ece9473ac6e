"""Counting votes on the set, as geth and GoQuorum (EIP-225) and Besu do; they differ in votes that change nothing.

Pure. Every member has at most one waiting vote on an address. More than half of the set, voting alike on an address,
lets it join or leave.
"""

from ledger_node.consensus.rules import Client, Vote

Tally = tuple[tuple[bytes, ...], tuple[Vote, ...]]
"""The set, ascending, and the votes that wait, oldest first."""


def cast(client: Client, validators: tuple[bytes, ...], votes: tuple[Vote, ...], vote: Vote) -> Tally:
    """The set and the waiting votes after one more vote."""
    if client is not Client.BESU and not votes and (vote.subject in validators) == vote.add:
        return validators, votes
    votes = tuple(each for each in votes if (each.voter, each.subject) != (vote.voter, vote.subject))
    if client is Client.BESU or (vote.subject in validators) != vote.add:
        votes = (*votes, vote)
    needed = len(validators) // 2 + 1
    if _count(votes, vote.subject, add=True) >= needed:
        joined = tuple(sorted({*validators, vote.subject}))
        return joined, tuple(each for each in votes if each.subject != vote.subject)
    if _count(votes, vote.subject, add=False) >= needed:
        left = tuple(each for each in validators if each != vote.subject)
        return left, tuple(each for each in votes if vote.subject not in (each.subject, each.voter))
    return validators, votes


def _count(votes: tuple[Vote, ...], subject: bytes, *, add: bool) -> int:
    return sum(1 for each in votes if each.subject == subject and each.add == add)
