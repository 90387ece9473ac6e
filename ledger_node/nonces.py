"""Nonces: the next one of an account, and who used one.

The transaction that used it is found on the chain, so that what became of an act is known and not guessed.
"""

from collections.abc import Callable

from ledger_node.chain_values import AnswerError, MinedCall
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.outbox_store import OutboxStore


class Nonces:
    """The next nonce of an outbox' account: after its own, and after what the account has sent from elsewhere."""

    def __init__(
        self, client: ChainClient, address: bytes, store: OutboxStore, clock: Callable[[], float], believe: float
    ) -> None:
        """`clock` in seconds; for `believe` seconds the node is not asked again what the account has sent."""
        self._client = client
        self._address = address
        self._store = store
        self._clock = clock
        self._believe = believe
        self._theirs: tuple[int, float] | None = None

    def seen(self, used: int) -> None:
        """Note how many transactions the account has sent, by a node."""
        self._theirs = (max(used, self._theirs[0]) if self._theirs else used, self._clock())

    def next(self) -> int:
        """The next nonce. Raises ChainUnavailable, RpcError, AnswerError when no node ever told what was sent."""
        if self._theirs is None or self._clock() - self._theirs[1] > self._believe:
            try:
                self.seen(self._client.nonce(self._address))
            except (ChainUnavailable, RpcError, AnswerError):
                if self._theirs is None:
                    raise
        return max(self._store.next_nonce() or 0, self._theirs[0] if self._theirs else 0)


def user_of_nonce(client: ChainClient, address: bytes, nonce: int, last: int) -> tuple[bytes, MinedCall] | None:
    """Hash and call of the account's transaction with that nonce in a block up to number `last`.

    None when there is none, or when the node no longer has the states that show its block. Ask one node: `client`
    must not change to another one meanwhile.
    """
    try:
        number = _block_of_nonce(client, address, nonce, last)
        if number is None:
            return None
        for hash_ in client.block(number).transactions:
            call = client.mined_call(hash_)
            if call is not None and (call.sender, call.nonce) == (address, nonce):
                return hash_, call
    except RpcError:
        return None
    return None


def _block_of_nonce(client: ChainClient, address: bytes, nonce: int, last: int) -> int | None:
    """The block that took the nonce. Looks back in growing steps, since nodes keep the states of late blocks only."""

    def is_used(number: int) -> bool:
        return client.nonce(address, number) > nonce

    if not is_used(last):
        return None
    after, step = last, 1
    before = last - step
    while before >= 0 and is_used(before):
        after, step = before, 2 * step
        before = max(after - step, 0) if after else -1
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if is_used(middle) else (middle, after)
    return after
