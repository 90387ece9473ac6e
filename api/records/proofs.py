"""The bundles of records, gathered for a member with the documents that it was given."""

from collections.abc import Callable

from api.problems import ProblemError
from api.records.papers import Papers
from api.services import Services
from ledger_node.client import ChainUnavailable, RpcError
from registry.evidence.bundle import Bundle
from registry.evidence.bundle_file import dump_bundle
from registry.evidence.collect import CannotProve, Collector
from registry.evidence.gather import EvidenceMissing
from registry.firings import FiringError, decode_firing
from registry.index.queries import Snapshot
from registry.items import Facility, Firing, Key, Kind, Pledge, Receipt, firing_id


def receipt_bundle(services: Services, snapshot: Snapshot, papers: Papers, receipt: Receipt) -> bytes:
    """The bundle's file for a receipt, with the documents that the answer shows. Raises ProblemError."""
    commitments = [receipt.terms.content_hash]
    for id_ in receipt.pledges:
        pledge = snapshot.get(Key(Kind.PLEDGE, id_))
        if isinstance(pledge, Pledge):
            commitments.append(pledge.terms.terms_hash)
    if receipt.delivery is not None:
        commitments.append(receipt.delivery.order_hash)
    return _file(services, snapshot, lambda to: to.receipt(receipt.id, papers.openings(commitments)))


def facility_bundle(services: Services, snapshot: Snapshot, papers: Papers, facility: Facility) -> bytes:
    """The bundle's file for a facility, with the documents that the answer shows. Raises ProblemError."""
    openings = papers.openings([facility.terms.terms_hash])
    return _file(services, snapshot, lambda to: to.facility(facility.id, openings))


def action_bundle(services: Services, snapshot: Snapshot, papers: Papers, facility: Facility, seq: int) -> bytes:
    """The bundle's file for what a rule did, from signed readings to the facility. Raises ProblemError."""
    port = services.oracles.as_member(services.drafting.keyring.signer(papers.entity))
    fired = snapshot.get(Key(Kind.FIRING, firing_id(facility.id, seq)))
    clauses = _clauses(fired) if isinstance(fired, Firing) else []
    openings = papers.openings([facility.terms.terms_hash, *clauses])
    return _file(services, snapshot, lambda to: to.action(facility.id, seq, port, openings))


def _clauses(fired: Firing) -> list[bytes]:
    try:
        return [decode_firing(fired.firing).rule.clause]
    except FiringError as error:
        raise ProblemError("conflict", f"cannot be proved at this block: {error}") from None


def _file(services: Services, snapshot: Snapshot, collect: Callable[[Collector], Bundle]) -> bytes:
    deployment = services.drafting.deployment
    collector = Collector(services.client, snapshot, deployment, confirmations=services.finality)
    try:
        return dump_bundle(collect(collector))
    except (CannotProve, EvidenceMissing) as error:
        raise ProblemError("conflict", f"cannot be proved at this block: {error}") from None
    except (ChainUnavailable, RpcError):
        raise ProblemError("ledger-unavailable", "the node has no proof of this block") from None
