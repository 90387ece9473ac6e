"""What RPC methods work on: the chain, its limits, and who executes calls."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.reads import Question, answer
from ledger_node.embedded.store import ReadStore
from ledger_node.embedded.values import Block

CLIENT_VERSION = "Cangdan/embedded"
CALL_GAS_CAP = 50_000_000

Executor = Callable[[Question], bytes | int]
"""Runs a question's call. Raises what `reads.answer` raises."""


@dataclass(frozen=True, slots=True)
class Node:
    """The chain with the limits of its RPC; `execute` runs calls here or in worker processes."""

    chain: EmbeddedChain
    execute: Executor
    call_gas_cap: int = CALL_GAS_CAP
    log_limit: int = 10_000

    @property
    def store(self) -> ReadStore:
        """All that is on disk."""
        return self.chain.store

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.chain.head


def local_node(chain: EmbeddedChain) -> Node:
    """A node that executes calls in the calling thread, for tests and tools in one process."""
    return Node(chain, lambda question: answer(chain.store, question))
