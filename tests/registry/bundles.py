"""Valid bundles of every kind, with the trust file of their chain; made once for all tests."""

from dataclasses import dataclass
from pathlib import Path

from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.trust import Engine, PinnedBlock, Trust, TrustedContract
from oracle.formats.opening import Opening
from registry.documents.commitment import seal
from registry.evidence.bundle_file import dump_bundle
from registry.evidence.collect import Collector
from registry.index.answering import Answering, block_answer
from registry.index.queries import Index, Snapshot
from tests.registry.consortium import CHAIN_ID, OTHER_BANK, Consortium, key_of
from tests.registry.documents_data import receipt_content
from tests.registry.story import catch_up, index_of
from tests.registry.watch import DAY_MS, START, Watch

HOLD, DEFER, CLAIM, REVIEW = range(4)


@dataclass
class Bundles:
    trust: Trust
    pinned: Trust
    texts: dict[str, bytes]
    answers: dict[str, dict[str, object]]
    watch: Watch
    collector: Collector
    seqs: dict[int, int]
    opening: Opening
    receipt: bytes
    snapshot: Snapshot

    @classmethod
    def make(cls, folder: Path) -> "Bundles":
        made = Consortium(folder / "chain").deploy().populate()
        opening = seal(receipt_content(), bytes(range(32)))
        receipt = made.issue(content=opening.commitment)
        first = made.pledge(receipt)
        made.release(made.last_pledge)
        made.hold(receipt)
        made.clear(receipt)
        early = made.client.block_number()
        made.pledge(receipt, OTHER_BANK)
        made.hold(receipt)
        watch = Watch(made, revoked_at=START + DAY_MS)
        watch.enrol()
        cover = made.cover(watch.open_facility(), 4)
        watch.minute(0, [25_000] * 3, 0)
        watch.minute(1, [20_000] * 3, 1, liars=[0])
        watch.minute(2, [20_000] * 3, 0)
        watch.minute(3, [], 0)
        watch.minute(4, [20_000, 20_001, 20_002], 2)
        seqs = {rule: watch.fire(rule, cover=cover) for rule in range(4)}
        engine, indexer = index_of(made.client, made.deployment, f"sqlite:///{folder}/index.db")
        catch_up(indexer)
        index = Index(engine)
        late = index.as_of()
        collector = Collector(made.client, late, made.deployment)
        older = Collector(made.client, index.as_of(early), made.deployment)
        texts = {
            "receipt": dump_bundle(collector.receipt(receipt, [opening])),
            "early": dump_bundle(older.receipt(receipt)),
            "facility": dump_bundle(collector.facility(watch.facility)),
            "hold": dump_bundle(collector.action(watch.facility, seqs[HOLD], watch)),
            "defer": dump_bundle(collector.action(watch.facility, seqs[DEFER], watch)),
            "claim": dump_bundle(collector.action(watch.facility, seqs[CLAIM], watch)),
            "review": dump_bundle(collector.action(watch.facility, seqs[REVIEW], watch)),
        }
        opened = {opening.commitment: opening.content}
        shown, block = Answering(late, opened.get), block_answer(late.block, True)
        answers = {
            "receipt": {"block": block, "data": shown.receipt(receipt)},
            "facility": {"block": block, "data": shown.facility(watch.facility)},
        }
        assert first
        return cls(
            trust_of(made), pinned_at(made, late), texts, answers, watch, collector, seqs, opening, receipt, late
        )


def trust_of(made: Consortium) -> Trust:
    contracts = [
        TrustedContract(name, address, keccak256(made.client.code(address)))
        for name, address in sorted(made.addresses.items())
    ]
    sealer = LocalSigner(key_of("sealer")).address
    return Trust(Engine.EMBEDDED, CHAIN_ID, made.client.block(0).hash, sealer, (), tuple(contracts))


def pinned_at(made: Consortium, snapshot: Snapshot) -> Trust:
    believed = PinnedBlock(snapshot.block.number, snapshot.block.hash)
    own = trust_of(made)
    return Trust(Engine.PINNED, CHAIN_ID, own.genesis_hash, None, (believed,), own.contracts)
