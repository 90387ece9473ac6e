"""Asking several oracles one after the other, so that one that answers slowly, or never ends, holds up nobody."""

import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue

from ledger_node.signing import SignerError
from oracle.peers import Peer, PeerUnavailable


class Hedged:
    """Asks the next peer when one has answered, or has not for `hedge_s`; ends when enough is known, or after `most_s`.

    Each question has a thread of its own. A peer that has not answered the last one is not asked again.
    """

    def __init__(self, hedge_s: float, most_s: float) -> None:
        self._hedge_s = hedge_s
        self._most_s = most_s
        self._busy: set[bytes] = set()

    def run(self, peers: Iterable[Peer], ask: Callable[[Peer], Callable[[], None]], enough: Callable[[], bool]) -> None:
        """`ask` makes the question to a peer, out of what is still wanted, when its turn comes; PeerUnavailable and
        SignerError of a question are passed over."""
        waiting = [each for each in peers if each.address not in self._busy]
        answered: SimpleQueue[None] = SimpleQueue()
        asked, end_s = 0, time.monotonic() + self._most_s
        while not enough():
            if waiting:
                peer = waiting.pop(0)
                self._busy.add(peer.address)
                threading.Thread(target=self._work, args=(peer, ask(peer), answered), daemon=True).start()
                asked += 1
            elif not asked or time.monotonic() > end_s:
                return
            try:
                answered.get(timeout=self._hedge_s)
                asked -= 1
            except Empty:
                continue

    def _work(self, peer: Peer, question: Callable[[], None], answered: SimpleQueue[None]) -> None:
        try:
            question()
        except (PeerUnavailable, SignerError):
            pass
        finally:
            self._busy.discard(peer.address)
            answered.put(None)
