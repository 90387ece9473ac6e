"""A web3.py provider that answers in process, for fast tests of contracts on the real chain rules."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from ledger_node.embedded.chain import BlockSigner, EmbeddedChain
from ledger_node.embedded.node import local_node
from ledger_node.embedded.rpc.dispatch import Dispatcher
from ledger_node.genesis import Genesis, Prefund
from ledger_node.keys import LocalSigner


class EmbeddedProvider(JSONBaseProvider):
    """Answers web3.py from `chain` without a server.

    With `seal_each`, a block is sealed after each accepted transaction; otherwise the caller calls `chain.seal()`.
    """

    def __init__(self, chain: EmbeddedChain, *, seal_each: bool = True) -> None:
        super().__init__()
        self.chain = chain
        self._dispatcher = Dispatcher(local_node(chain), {})
        self._seal_each = seal_each

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One JSON-RPC request, through the same dispatcher and texts as over HTTP."""
        answer = self._dispatcher.handle(self.encode_rpc_request(method, params))
        if self._seal_each and method == "eth_sendRawTransaction":
            self.chain.seal(empty=False)
        return self.decode_rpc_response(answer or b"null")

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """Several requests, one after the other."""
        return [self.make_request(method, params) for method, params in requests]


def chain_in_directory(
    directory: Path,
    *,
    alloc: tuple[Prefund, ...] = (),
    chain_id: int = 20590,
    signer: BlockSigner | None = None,
    clock: Callable[[], float] = time.time,
) -> EmbeddedChain:
    """A chain in `directory` whose genesis is made here; its sealer is a fresh key unless one is given."""
    sealer = signer or LocalSigner.generate()
    return EmbeddedChain(directory, Genesis(chain_id, sealer.address, alloc=alloc), sealer, clock=clock)
