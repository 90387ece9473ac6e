"""The proof panel: what this server found when it checked, who else can check, and how."""

from collections.abc import Callable
from dataclasses import dataclass

from api.console.faults import detail_words
from api.console.frame import Frame
from api.console.phrases import Tag
from api.problems import ProblemError
from api.records.proofs import facility_bundle, receipt_bundle
from ledger_node.hexvalues import data_hex
from ledger_node.trust import PinnedBlock
from registry.evidence.verify import verify_bundle
from registry.items import Facility, Receipt


@dataclass(frozen=True, slots=True)
class Panel:
    """What a page says of its proof. `steps` are those of the check, in order; none when it could not be made."""

    tag: Tag
    says: str
    steps: tuple[tuple[str, bool, str], ...]
    download: str
    command: str


def receipt_panel(frame: Frame, receipt: Receipt) -> Panel:
    """The proof of a receipt."""
    name = f"receipt-{data_hex(receipt.id)[2:14]}"
    make = lambda: receipt_bundle(frame.services, frame.state.snapshot, frame.papers, receipt)  # noqa: E731
    return _panel(frame, make, f"/v1/receipts/{data_hex(receipt.id)}/proof", name)


def facility_panel(frame: Frame, facility: Facility) -> Panel:
    """The proof of a facility."""
    name = f"facility-{data_hex(facility.id)[2:14]}"
    make = lambda: facility_bundle(frame.services, frame.state.snapshot, frame.papers, facility)  # noqa: E731
    return _panel(frame, make, f"/v1/facilities/{data_hex(facility.id)}/proof", name)


def _panel(frame: Frame, make: Callable[[], bytes], path: str, name: str) -> Panel:
    block = frame.state.block
    download = f"{path}?as_of_block={block.number}"
    command = f"cangdan verify {name}-{block.number}.bundle.json --trust trust.json"
    say = frame.say
    try:
        text = make()
    except ProblemError as error:
        return Panel(Tag("unknown", say("cannot check")), detail_words(error, say), (), download, command)
    trust = frame.services.trust(PinnedBlock(block.number, block.hash))
    verdict = verify_bundle(text, trust)
    steps = tuple((step.name.value, step.ok, step.says) for step in verdict.steps)
    tag, says = _state(frame, verdict.ok)
    return Panel(tag, says, steps, download, command)


def _state(frame: Frame, holds: bool) -> tuple[Tag, str]:
    say = frame.say
    if not holds:
        return Tag("act", say("failed")), say("A step of the check fails: tell the operator.")
    if not frame.state.final:
        return Tag("warn", say("not yet final")), say("The block may still be replaced.")
    if frame.state.past:
        return Tag("past", say("stale")), say("Proved for a past block; it may have changed since.")
    return Tag("good", say("verified")), say("Checked by this server against its own node.")
