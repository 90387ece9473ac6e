"""What following the headers of a made chain gives, and where it ends."""

from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import Outcome, verify_headers
from tests.ledger_node.consensus.chains import Block, Chain


def of(chain: Chain, blocks: list[Block] | None = None) -> Outcome:
    """The outcome for a chain's headers, or for those given, by its own genesis file."""
    return verify_headers(chain.file(blocks), read_genesis(chain.genesis_file()))


def where(outcome: Outcome) -> tuple[int | None, str] | None:
    """Which header fails, at which step."""
    return None if outcome.failure is None else (outcome.failure.at, outcome.failure.step.value)
