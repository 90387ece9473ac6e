"""Counting votes: random histories of Besu's tally against a model that keeps sets of voters, as Besu does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_node.consensus.rules import Client, Vote
from ledger_node.consensus.votes import cast

PEOPLE = [bytes([each]) * 20 for each in range(6)]


class BesuTally:
    """Who wants whom in and out; a vote that would change nothing counts too."""

    def __init__(self, validators: set[bytes]) -> None:
        self.validators = set(validators)
        self.wanted: dict[tuple[bytes, bool], set[bytes]] = {}

    def add(self, vote: Vote) -> None:
        self.wanted.setdefault((vote.subject, vote.add), set()).add(vote.voter)
        self.wanted.setdefault((vote.subject, not vote.add), set()).discard(vote.voter)
        if len(self.wanted[vote.subject, vote.add]) < len(self.validators) // 2 + 1:
            return
        self.wanted.pop((vote.subject, True))
        self.wanted.pop((vote.subject, False))
        if vote.add:
            self.validators.add(vote.subject)
            return
        self.validators.discard(vote.subject)
        for voters in self.wanted.values():
            voters.discard(vote.subject)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=60))
def test_besus_tally_gives_the_same_sets(history: list[tuple[int, int, bool]]) -> None:
    model = BesuTally(set(PEOPLE[:4]))
    validators, votes = tuple(PEOPLE[:4]), ()
    for voter, subject, add in history:
        if PEOPLE[voter] not in validators:
            continue
        vote = Vote(PEOPLE[voter], PEOPLE[subject], add)
        # A vote on the opposite side may pass too, when the set shrank since: Besu looks at both sides.
        opposite = model.wanted.get((vote.subject, not add), set()) - {vote.voter}
        if len(opposite) >= len(model.validators) // 2 + 1:
            break
        model.add(vote)
        validators, votes = cast(Client.BESU, validators, votes, vote)
        assert set(validators) == model.validators
        assert list(validators) == sorted(validators)


def test_enough_votes_that_change_nothing_drop_what_others_voted_with_besu_alone() -> None:
    out, members = PEOPLE[0], tuple(PEOPLE[:4])
    left: dict[Client, tuple[bytes, ...]] = {}
    for client in (Client.BESU, Client.GOQUORUM):
        validators, votes = members, ()
        validators, votes = cast(client, validators, votes, Vote(PEOPLE[0], out, False))
        for voter in PEOPLE[1:4]:
            validators, votes = cast(client, validators, votes, Vote(voter, out, True))
        for voter in PEOPLE[1:3]:
            validators, votes = cast(client, validators, votes, Vote(voter, out, False))
        left[client] = validators
    assert left == {Client.BESU: members, Client.GOQUORUM: members[1:]}
