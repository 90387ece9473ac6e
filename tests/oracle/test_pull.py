"""Pulling a peer's log: nothing is taken on the peer's word, and what it cannot deny is kept."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import canonical_json
from ledger_node.hexvalues import data_hex
from oracle.fleets import FleetBundle
from oracle.formats.fleet import Revocation, make_fleet
from oracle.formats.frontier import Frontier
from oracle.formats.reasons import Reason
from oracle.http_peer import PeerClient
from oracle.ingest import Arrival
from oracle.peers import PeerUnavailable
from oracle.pull import PATIENCE_MS, Puller, PullResult, PullState
from tests.log_proofs import tree_head
from tests.oracle.intake_kit import (
    CONTEXT,
    DEVICE,
    KEY,
    OTHER_KEY,
    PROFILE,
    RECORD,
    Chain,
    Oracle,
    SetClock,
    chain_of,
    following,
    open_oracle,
    serve,
    signed,
)


class Pair:
    """Two oracles on one chain and one clock; the second pulls from the first."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.chain, self.folder = SetClock(), Chain(), folder
        self.one = open_oracle(folder, 1, self.clock, self.chain)
        self.two = open_oracle(folder, 2, self.clock, self.chain)
        self.puller = self.pulling(serve(self.one))

    def pulling(self, client: httpx.Client) -> Puller:
        two = self.two
        asking = PeerClient(client, self.one.key.address, CONTEXT, two.key, self.clock)
        return Puller(two.service, two.database, asking, self.clock)

    def answering(self, target: str, status: int, content: bytes) -> Puller:
        """A puller whose peer answers `target` with other bytes."""
        inner = serve(self.one)

        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path == target:
                return httpx.Response(status, content=content)
            answer = inner.get(str(request.url.raw_path.decode()), headers=dict(request.headers))
            return httpx.Response(answer.status_code, content=answer.content)

        return self.pulling(httpx.Client(transport=httpx.MockTransport(handle), base_url="http://peer"))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def fill(oracle: Oracle, length: int) -> None:
    segments = chain_of(length)
    for first in range(0, length, 10):
        some = segments[first : first + 10]
        oracle.clock.ms = max(oracle.clock.ms, some[-1].content.t0_ms)
        oracle.service.accept_many([Arrival(each.raw, "test") for each in some])
    assert oracle.log.size() == length


def test_an_empty_log_is_read(pair: Pair) -> None:
    assert pair.puller.pull() == PullResult(PullState.COMPLETE)


def test_a_stranger_may_not_pull(pair: Pair) -> None:
    fill(pair.one, 1)
    pair.chain.oracles.discard(pair.two.key.address)
    with pytest.raises(PeerUnavailable, match="status 403"):
        pair.puller.pull()
    assert pair.two.log.size() == 0


@pytest.mark.parametrize(
    ("target", "status", "content"),
    [
        ("/v1/checkpoint", 500, b""),
        ("/v1/checkpoint", 200, b"nonsense"),
        ("/v1/checkpoint", 200, b"\xff" * 5000),
        ("/v1/entries", 200, b"{}"),
        ("/v1/entries", 200, b'{"from":0,"entries":[]}'),
        ("/v1/entries", 200, b'{"from":0,"entries":[{"leaf":"0x00"}]}'),
    ],
)
def test_an_answer_that_breaks_the_form_changes_nothing(pair: Pair, target: str, status: int, content: bytes) -> None:
    fill(pair.one, 1)
    with pytest.raises(PeerUnavailable):
        pair.answering(target, status, content).pull()
    assert pair.two.log.size() == 0
    assert pair.puller.pull().fresh == 1


def test_an_entry_that_its_leaf_does_not_commit_to_is_not_used(pair: Pair) -> None:
    fill(pair.one, 1)
    entry = pair.one.log.entry(0)
    shown = {
        "leaf": data_hex(entry.leaf),
        "salt": data_hex(entry.salt),
        "arrivedMs": entry.position.arrived_ms - 1,
        "segment": data_hex(entry.raw),
    }
    content = canonical_json.dumps({"from": 0, "entries": [shown]})
    with pytest.raises(PeerUnavailable, match="not opened"):
        pair.answering("/v1/entries", 200, content).pull()
    assert pair.two.log.size() == 0


def test_entries_that_are_not_under_the_checkpoint_are_a_split_view(pair: Pair) -> None:
    fill(pair.one, 1)
    pair.one.database.rows("UPDATE entries SET arrived_ms = arrived_ms + 1")
    assert pair.puller.pull().state is PullState.SPLIT_VIEW
    assert pair.two.reasons() == [Reason.SPLIT_VIEW]


def test_a_peers_log_is_verified_and_logged_in_its_order(pair: Pair) -> None:
    fill(pair.one, 300)
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, fresh=300)
    assert pair.puller.pull() == PullResult(PullState.COMPLETE)
    ours, theirs = pair.two.log.entries(0, 400), pair.one.log.entries(0, 400)
    assert [each.raw for each in ours] == [each.raw for each in theirs]
    assert ours[0].position.source == f"peer 0x{pair.one.key.address.hex()}"
    assert ours[0].salt != theirs[0].salt
    assert pair.two.reasons() == []


def test_what_a_device_sent_to_both_is_known_and_not_counted_again(pair: Pair) -> None:
    fill(pair.one, 3)
    fill(pair.two, 2)
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, fresh=1, known=2)
    assert pair.two.log.size() == 3
    assert pair.two.reasons() == []


def test_a_forged_entry_of_a_peer_is_refused_here(pair: Pair) -> None:
    pair.one.log.append(replace(signed(OTHER_KEY), kid=KEY.public.kid), pair.clock.ms, "forged")
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, refused=1)
    assert pair.two.reasons() == [Reason.BAD_SIGNATURE]


def test_a_device_that_tells_two_oracles_two_stories_is_found(pair: Pair) -> None:
    pair.one.service.accept(signed().raw, "test")
    pair.two.service.accept(signed(readings=()).raw, "test")
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, refused=1)
    assert pair.two.quarantine.equivocation(DEVICE, KEY.public.kid) is not None


def test_an_entry_is_judged_by_its_arrival_at_the_peer(pair: Pair) -> None:
    fill(pair.one, 2)
    pair.clock.ms += 2 * PROFILE.max_backfill_ms
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, fresh=2)
    assert pair.two.log.entry(0).position.arrived_ms == pair.one.log.entry(0).position.arrived_ms


def test_a_peer_cannot_slip_in_an_old_segment_that_its_log_did_not_have(pair: Pair) -> None:
    assert pair.puller.pull().state is PullState.COMPLETE
    first = signed()
    stated_ms = pair.clock.ms
    pair.clock.ms += 2 * PROFILE.max_backfill_ms
    assert pair.puller.pull().state is PullState.COMPLETE
    pair.one.log.append(first, stated_ms, "back-dated")
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, refused=1)
    assert pair.two.reasons() == [Reason.TOO_OLD]


def test_what_arrived_before_a_revocation_counts_and_what_came_after_does_not(pair: Pair) -> None:
    fill(pair.one, 2)
    fleet = make_fleet(7, 2, [RECORD], [Revocation(DEVICE, pair.clock.ms + 1)])
    pair.clock.ms += 10_000
    last = pair.one.log.entry(1).segment
    pair.one.log.append(following(last), pair.clock.ms, "after the revocation")
    pair.chain.holds(fleet)
    pair.two.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, fresh=2, refused=1)
    assert pair.two.reasons() == [Reason.REVOKED]


def test_a_fleet_that_is_missing_here_comes_from_the_peer(pair: Pair) -> None:
    fleet = make_fleet(7, 2, [replace(RECORD, first_seq=1, calibration=b"n" * 32)])
    pair.chain.holds(fleet)
    pair.one.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    pair.one.service.accept(signed(calibration=b"n" * 32).raw, "test")
    pair.clock.ms += 5_000
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, fresh=1)
    assert pair.two.reasons() == []


def test_what_an_old_key_signed_before_its_rotation_counts_and_what_came_after_does_not(pair: Pair) -> None:
    fill(pair.one, 2)
    fleet = make_fleet(7, 2, [replace(RECORD, key=OTHER_KEY.public)])
    pair.clock.ms += 10_000
    pair.chain.holds(fleet)
    pair.two.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    pair.one.log.append(following(pair.one.log.entry(1).segment), pair.clock.ms, "after the rotation")
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, fresh=2, refused=1)
    assert pair.two.reasons() == [Reason.WRONG_DEVICE]


def test_an_unknown_device_is_waited_for_and_then_refused(pair: Pair) -> None:
    pair.one.log.append(signed(device=DEVICE[:4] + bytes(12)), pair.clock.ms, "unknown")
    fill_after = signed()
    pair.one.log.append(fill_after, pair.clock.ms, "known")
    assert pair.puller.pull() == PullResult(PullState.WAITING)
    assert pair.two.reasons() == []
    pair.clock.ms += PATIENCE_MS
    assert pair.puller.pull() == PullResult(PullState.COMPLETE, fresh=1, refused=1)
    assert pair.two.reasons() == [Reason.UNKNOWN_DEVICE]


@pytest.mark.parametrize("size", [1, 3])
def test_a_peer_with_two_logs_is_recorded_and_not_read_any_more(pair: Pair, tmp_path: Path, size: int) -> None:
    fill(pair.one, 3)
    assert pair.puller.pull().fresh == 3
    (tmp_path / "fork").mkdir()
    fork = open_oracle(tmp_path / "fork", 1, pair.clock, pair.chain)
    for segment in chain_of(size):
        fork.log.append(segment, pair.clock.ms, "fork")
    assert pair.pulling(serve(fork)).pull().state is PullState.SPLIT_VIEW
    assert pair.two.reasons() == [Reason.SPLIT_VIEW]
    assert pair.puller.pull() == PullResult(PullState.SPLIT_VIEW)
    (kept,) = pair.two.database.rows("SELECT note, split_note FROM peers")
    assert kept[0] == pair.one.log.signed_checkpoint()
    assert kept[1] == fork.log.signed_checkpoint()


def test_a_log_rewritten_and_grown_is_a_split_view(pair: Pair, tmp_path: Path) -> None:
    fill(pair.one, 2)
    pair.puller.pull()
    (tmp_path / "fork").mkdir()
    fork = open_oracle(tmp_path / "fork", 1, pair.clock, pair.chain)
    fill(fork, 5)
    assert pair.pulling(serve(fork)).pull().state is PullState.SPLIT_VIEW


def test_pulling_goes_on_after_a_restart(pair: Pair) -> None:
    fill(pair.one, 2)
    pair.puller.pull()
    pair.two.database.close()
    pair.two = open_oracle(pair.folder, 2, pair.clock, pair.chain)
    last = pair.one.log.entry(1).segment
    pair.clock.ms = following(last).content.t0_ms
    pair.one.service.accept(following(last).raw, "test")
    assert pair.pulling(serve(pair.one)).pull() == PullResult(PullState.COMPLETE, fresh=1)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.integers(0, 40))
def test_a_frontier_has_the_root_of_its_leaves_in_whatever_steps_it_grew(leaves: list[bytes], cut: int) -> None:
    frontier = Frontier().extended(leaves[:cut]).extended(leaves[cut:])
    assert frontier.root() == tree_head(leaves)
    assert Frontier.from_bytes(frontier.size, frontier.to_bytes()) == frontier


@pytest.mark.parametrize(("size", "hashes"), [(-1, ()), (1, ()), (3, (bytes(32),)), (1, (bytes(31),))])
def test_a_frontier_of_another_shape_is_refused(size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="hash"):
        Frontier(size, hashes)
