"""A short story on the chain: two receipts, one pledged, a second pledge refused, a hold placed and cleared."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from ledger_node.client import ChainClient
from ledger_node.hashing import keccak256
from registry.index.database import open_database
from registry.index.indexer import Indexer
from registry.index.writer import Position, Writer
from registry.transitions import Deployment
from tests.registry.consortium import DEPOSITOR, KEEPER, OTHER_BANK, OTHER_KEEPER, Consortium


@dataclass
class Story:
    consortium: Consortium
    receipt: bytes
    other: bytes
    pledge: bytes
    facility: bytes
    cover: bytes
    refused: bytes
    issued_at: int
    pledged_at: int

    @classmethod
    def tell(cls, folder: Path) -> "Story":
        made = Consortium(folder / "chain").deploy().populate()
        unit = keccak256(b"unit")
        receipt = made.issue(unit_keys=(unit,))
        issued_at = made.client.block_number()
        facility = made.facility(keccak256(b"rules"), 2, keccak256(b"schedule"), 3)
        cover = made.cover(facility, 2)
        pledge = made.pledge(receipt, facility=facility)
        pledged_at = made.client.block_number()
        consent = made.pledge_consent(receipt, OTHER_BANK)
        signatures = made.sign(consent, DEPOSITOR, KEEPER, OTHER_BANK)
        refused = made.act("entity 7", "PledgeRegistry", "pledge", consent, signatures, check=False)
        made.draw(facility)
        made.repay(facility, 1)
        made.hold(receipt)
        made.clear(receipt)
        made.hold(receipt)
        other = made.issue(quantity=7, keeper=OTHER_KEEPER)
        made.fleet(KEEPER, 2, keccak256(b"fleet"))
        return cls(made, receipt, other, pledge, facility, cover, refused, issued_at, pledged_at)


def index_of(client: ChainClient, deployment: Deployment, url: str, finality: int = 0) -> tuple[Engine, Indexer]:
    engine = open_database(url)
    return engine, Indexer(client, Writer(engine, deployment), deployment, finality)


def catch_up(indexer: Indexer) -> Position:
    position = indexer.start()
    while (progress := indexer.step(position)).position != position:
        position = progress.position
    return position
