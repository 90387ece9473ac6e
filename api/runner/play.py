"""Playing a pack: its parties act through the API, its devices speak to the oracles, in the order of its steps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from heapq import merge
from typing import Any

from api.founding.operator import Panel
from api.runner import pack_steps as steps
from api.runner.attempts import attempt
from api.runner.cast import Cast, Direction, fleet_bundle, fleet_owners, fleet_request
from api.runner.devices import Uplink
from api.runner.pack import Pack
from api.runner.pack_steps import Act, PlayStreams
from api.runner.papers import Papers, covenant
from api.runner.quantities import duration_ms
from api.runner.results import Outcome
from api.runner.session import ApiRefused, Session
from api.runner.settling import post_to_oracles, wait_for, wait_until_settled
from api.runner.stage import Stage
from ledger_node.hashing import sha256
from oracle.fleets import dump_bundle, load_bundle
from oracle.formats.segment import Context, SignedSegment

Body = dict[str, Any]


@dataclass
class Play:
    """One performance of a pack on a stage. Ids of what the acts made are kept by the pack's names."""

    pack: Pack
    stage: Stage
    cast: Cast
    direction: Direction
    outcome: Outcome
    tell: Callable[[str], None] = lambda text: None
    ids: dict[str, str] = field(default_factory=dict)
    pledges: dict[str, tuple[str, str]] = field(default_factory=dict)
    drafts: dict[str, Body] = field(default_factory=dict)
    unsettled: list[tuple[int, Session, Body]] = field(default_factory=list)
    """The operations that are not final yet, each with the place of its step."""

    def __post_init__(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0).isoformat()
        self.papers = Papers(self.pack, self.cast.names, now)
        self.uplink = Uplink(self.stage.oracle_urls, self.stage.devices)

    def run(self) -> None:
        """Name the panels and enrol the devices, then take every step that is not left out."""
        with ThreadPoolExecutor(1) as beside:
            panels = beside.submit(self.stage.operator.set_panels, [self._panel(key) for key in self.pack.facilities])
            for owner in fleet_owners(self.pack):
                self._enrol_devices(owner)
            panels.result()
        for number, step in enumerate(self.pack.steps, start=1):
            if self._takes_place(step):
                self.tell(f"{number}/{len(self.pack.steps)} {_verb(step)}")
                self._take(step)
        self._settle()

    def _enrol_devices(self, owner: str) -> None:
        """Put the owner's fleet on the chain; the owner keeps the file, as its devices of earlier packs stay."""
        kept = self._session(owner).seat.key_file.with_name("fleet.json")
        earlier = load_bundle(kept.read_bytes()) if kept.exists() else None
        request = fleet_request(fleet_bundle(self.cast, owner, earlier).fleet)
        draft = self._act(f"fleet of {owner}", owner, request, [owner])
        message = draft["typedData"]["message"]
        self._settle()
        file = dump_bundle(fleet_bundle(self.cast, owner, earlier, int(message["epoch"])))
        kept.write_bytes(file)
        post_to_oracles(self.stage, f"/v1/fleets/{message['entity']}", file)

    def _takes_place(self, step: Act) -> bool:
        played = set(self.pack.episodes) - self.direction.omit
        return played.issuperset(step.needs) and played.isdisjoint(step.unless)

    def _take(self, step: Act) -> None:
        if isinstance(step, PlayStreams):
            self._play(step)
            return
        draft, parties = self._draft(step)
        if step.as_ is not None:
            self.drafts[step.as_] = draft
        if step.prepare:
            self.outcome.add(f"{_verb(step)} prepared", "complete", draft["state"])
        elif step.refused is not None:
            observed, tx = attempt(self.stage, draft, self.cast.sessions, parties, step.forged)
            self.outcome.add(f"{_verb(step)} attempted", f"refused: {step.refused}", f"refused: {observed}", tx)
        else:
            self._send(_verb(step), self._session(parties[0]), draft)
            self._keep(step, draft)

    def _draft(self, step: Act) -> tuple[Body, list[str]]:
        """The step's draft with the consents that the parties give, and the parties in signing order."""
        parties, body = self._goods_request(step) or self._credit_request(step)
        if step.consents_of is not None:
            return self.drafts[step.consents_of], parties
        draft = self._session(parties[0]).draft(body)
        for party in parties:
            if party != step.forged:
                draft = self._session(party).consent(draft)
        return draft, parties

    def _goods_request(self, step: Act) -> tuple[list[str], Body] | None:
        papers, ids, receipts = self.papers, self.ids, self.pack.receipts
        match step:
            case steps.Issue():
                goods = receipts[step.receipt]
                replaces = ids[goods.replaces] if goods.replaces else None
                return [goods.depositor, goods.keeper], papers.issue(step.receipt, replaces)
            case steps.Pledge():
                goods = receipts[step.receipt]
                body = papers.pledge(step.receipt, ids[step.receipt], step.to, self._debt(step), self._facility(step))
                return [goods.depositor, goods.keeper, step.to], body
            case steps.Release():
                pledge, pledgee = self.pledges[step.receipt]
                return [pledgee], {"act": "release", "pledge": pledge}
            case steps.Deliver():
                goods = receipts[step.receipt]
                body = papers.delivery(step.receipt, ids[step.receipt], step.order)
                return [goods.depositor, goods.keeper], body
        return None

    def _facility(self, step: steps.Pledge) -> str | None:
        return self.ids[step.facility] if step.facility else None

    def _debt(self, step: steps.Pledge) -> Body:
        if step.facility is None:
            return {"minor": step.amount, "currency": step.currency}
        facility = self.pack.facilities[step.facility]
        return {"minor": facility.limit, "currency": facility.currency}

    def _credit_request(self, step: Act) -> tuple[list[str], Body]:
        papers, ids, facilities = self.papers, self.ids, self.pack.facilities
        match step:
            case steps.OpenFacility():
                facility = facilities[step.facility]
                body = papers.facility(step.facility, self._panel(step.facility).number, self.cast.schemas)
                return [facility.lender, facility.borrower], body
            case steps.Drawdown():
                facility = facilities[step.facility]
                amount = {"minor": step.amount, "currency": facility.currency}
                body = {"act": "drawdown", "facility": ids[step.facility], "amount": amount}
                return [facility.lender, facility.borrower], body
            case steps.Repay():
                facility = facilities[step.facility]
                amount = {"minor": facility.instalments[step.instalment].amount, "currency": facility.currency}
                body = {"facility": ids[step.facility], "instalment": step.instalment, "amount": amount}
                return [facility.lender], {"act": "repayment", **body}
            case steps.TakeCover():
                cover = self.pack.covers[step.cover]
                facility = facilities[cover.facility]
                parties = [cover.insurer, facility.lender, facility.borrower]
                return parties, papers.cover(step.cover, ids[cover.facility])
            case steps.Review():
                return step.by, self._review_request(step)
            case steps.DecideClaim():
                why = {"code": "DECIDED", "text": f"{step.verdict}ed on the evidence"}
                body = {"act": "claim-decision", "cover": ids[step.cover], "claim": step.claim, "verdict": step.verdict}
                return [self.pack.covers[step.cover].insurer], {**body, "reason": why}
        raise TypeError(f"no party asks for {type(step).__name__}")

    def _review_request(self, step: steps.Review) -> Body:
        facility = self.ids[step.facility]
        rule = [each.name for each in self.pack.facilities[step.facility].rules].index(step.rule)
        look = partial(self._open_review, step.by[0], facility, rule)
        review = wait_for(look, f"an open review of rule {step.rule}")
        text = step.inspection.finding if step.inspection else f"{step.verdict} after review"
        why = {"code": "REVIEWED", "text": text}
        body: Body = {"act": "decision", "review": review["id"], "verdict": step.verdict, "reason": why}
        if step.inspection is not None:
            body["inspection"] = self._inspect(step.inspection.by, facility, step.inspection.finding)
        return body

    def _open_review(self, party: str, facility: str, rule: int) -> Body | None:
        reviews = self._session(party).pages("/v1/reviews")
        wanted = (facility, rule, "open")
        return next((each for each in reviews if (each["facility"], each["rule"], each["status"]) == wanted), None)

    def _inspect(self, inspector: str, facility: str, finding: str) -> str:
        taken_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        session = self._session(inspector)
        draft = session.draft(self.papers.inspection(inspector, facility, finding, taken_at))
        session.consent(draft)
        return str(draft["id"])

    def _keep(self, step: Act, draft: Body) -> None:
        """Remember what the act has made, by the pack's name for it."""
        match step:
            case steps.Issue():
                self.ids[step.receipt] = draft["id"]
            case steps.Pledge():
                self.pledges[step.receipt] = (draft["id"], step.to)
            case steps.TakeCover():
                self.ids[step.cover] = draft["id"]
            case steps.OpenFacility():
                self.ids[step.facility] = draft["id"]
                self._settle()
                self._give_covenant(step.facility, draft["id"])

    def _give_covenant(self, key: str, draft_id: str) -> None:
        facility = self.pack.facilities[key]
        draft = self._session(facility.lender).get(f"/v1/drafts/{draft_id}")
        used = {condition.schema_ for rule in facility.rules for condition in rule.when}
        readers = [name for name, cover in self.pack.covers.items() if cover.facility == key]
        grantees = sorted({self.cast.names.entities[self.pack.covers[name].insurer] for name in readers})
        schemas = [self.cast.schemas[name] for name in sorted(used)]
        text = covenant(draft, [rule.name for rule in facility.rules], schemas, grantees)
        post_to_oracles(self.stage, "/v1/covenants", text)

    def _panel(self, key: str) -> Panel:
        panel = self.pack.facilities[key].panel
        number = int.from_bytes(sha256(f"{self.cast.names.run}/{key}".encode())[:2]) % 65_535 + 1
        return Panel(number, panel.quorum, tuple(self.cast.names.entities[name] for name in panel.reviewers))

    def _play(self, step: PlayStreams) -> None:
        self._settle()
        until = self.direction.starts_ms + duration_ms(step.until) if step.until else None
        context = Context(self.stage.addresses.chain_id, self.stage.addresses.address("DeviceRegistry"))
        block_hash = self.stage.chain.block(self.stage.final_block()).hash
        sent = 0
        streams = [
            ((segment.content.last_ms, device.name, segment) for segment in device.segments(until, block_hash, context))
            for device in self.cast.devices.values()
        ]
        for _, name, segment in merge(*streams, key=_when):
            self.uplink.send(name, segment)
            sent += 1
        wait_until_settled(self.stage)
        self._wait_for_index(next(iter(self.cast.sessions.values())), self.stage.chain.block_number())
        self.outcome.add("devices spoke", "receipts for all segments", "receipts for all segments")
        self.tell(f"{sent} segments")

    def _act(self, name: str, sender: str, body: Body, parties: list[str]) -> Body:
        draft = self._session(sender).draft(body)
        for party in parties:
            draft = self._session(party).consent(draft)
        self._send(name, self._session(sender), draft)
        return draft

    def _send(self, name: str, session: Session, draft: Body) -> None:
        """Send a draft. The next step may follow once it is in a block; what needs it to be final settles it."""
        operation = self._sent(session, draft)
        self.outcome.add(name, "final", _observed(operation), operation["transaction"])
        if operation["state"] == "included":
            self.unsettled.append((len(self.outcome.steps) - 1, session, operation))
        if operation["block"] is not None:
            self._wait_for_index(session, int(operation["block"]))

    def _sent(self, session: Session, draft: Body) -> Body:
        try:
            return session.send(draft)
        except ApiRefused as refusal:
            if refusal.code != "act-refused" or not self.unsettled:
                raise
        self._settle()  # a block that was replaced may have taken away for a moment what this act needs
        return session.send(draft)

    def _settle(self) -> None:
        """Wait until everything that was sent is final or refused, and note it."""
        for at, session, operation in self.unsettled:
            settled = session.settled(operation)
            self.outcome.correct(at, _observed(settled), settled["transaction"])
            if settled["block"] is not None:
                self._wait_for_index(session, int(settled["block"]))
        self.unsettled.clear()

    @staticmethod
    def _wait_for_index(session: Session, block: int) -> None:
        def indexed() -> bool:
            return int(session.get("/v1/blocks/head")["block"]["number"]) >= block

        wait_for(indexed, f"the index at block {block}")

    def _session(self, party: str) -> Session:
        return self.cast.sessions[party]


def _when(item: tuple[int, str, SignedSegment]) -> tuple[int, str]:
    return item[0], item[1]


def _observed(operation: Body) -> str:
    cause = operation["cause"]
    return str(operation["state"]) if cause is None else f"refused: {cause['name']}"


def _verb(step: Act) -> str:
    return str(getattr(step, "do", "act"))
