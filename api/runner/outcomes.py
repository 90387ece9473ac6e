"""What must have come of a pack, looked up as its parties see it, and the evidence that shows it offline."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from api.runner.detections import check_detection
from api.runner.pack_steps import ExpectedNotice, ExpectedState
from api.runner.play import Play
from api.runner.session import StillWaiting
from api.runner.settling import wait_for
from api.stack import COMMAND
from ledger_node.finality import newest_final
from ledger_node.trust import dump_trust
from ledger_node.trust_export import export_trust

Body = dict[str, Any]
NOTICE_SECONDS = 20.0


def check(play: Play, folder: Path) -> None:
    """Compare everything that the pack expects with what is, and write bundles, answers and the trust file."""
    _check_actions(play)
    for notice in play.pack.expect.notices:
        _check_notice(play, notice)
    _check_refusals(play)
    for state in play.pack.expect.states:
        if _played(play, state.needs) and not any(_played(play, [name]) for name in state.unless):
            _check_state(play, state)
    for detection in play.pack.expect.detections:
        check_detection(play, detection)
    _gather(play, folder)
    _verify(play)


def _played(play: Play, episodes: Iterable[str]) -> bool:
    return not play.direction.omit.intersection(episodes)


def _check_actions(play: Play) -> None:
    """The rules did what was expected and nothing else: an action that is not listed is a failure."""
    for key, facility in play.pack.facilities.items():
        expected: Counter[tuple[str, str]] = Counter()
        for action in play.pack.expect.actions:
            if action.facility == key and _played(play, action.episodes):
                expected[(action.rule, action.action)] += action.times
        names = [rule.name for rule in facility.rules]
        found = play.cast.sessions[facility.lender].pages(f"/v1/facilities/{play.ids[key]}/actions")
        observed = Counter((names[each["rule"]], each["action"]) for each in found)
        play.outcome.add(f"actions on {key}", _counted(expected), _counted(observed))


def _counted(actions: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{rule} {action} x{times}" for (rule, action), times in sorted(actions.items())) or "none"


def _check_notice(play: Play, notice: ExpectedNotice) -> None:
    names = [rule.name for rule in play.pack.facilities[notice.facility].rules]
    wanted = (play.ids[notice.facility], names.index(notice.rule))
    expected = "told" if _played(play, notice.episodes) else "not told"

    def told() -> bool:
        alerts = play.cast.sessions[notice.party].pages("/v1/alerts")
        return any((alert["key"], alert["rule"]) == wanted for alert in alerts)

    observed = "told" if _in_time(told, expected == "told") else "not told"
    play.outcome.add(f"{notice.party} and rule {notice.rule}", expected, observed)


def _check_refusals(play: Play) -> None:
    regulators = [key for key, party in play.pack.parties.items() if party.kind == "regulator"]
    if not (play.pack.expect.refusals and regulators):
        return
    regulator = play.cast.sessions[regulators[0]]
    for refusal in play.pack.expect.refusals:
        sent = {step.tx for step in play.outcome.steps if step.tx and step.expected == f"refused: {refusal.error}"}
        expected = "listed" if _played(play, refusal.episodes) else "not listed"

        def listed(error: str = refusal.error, transactions: set[str] = sent) -> bool:
            found = regulator.pages("/v1/refusals")
            return any(each["cause"] == error and each["transaction"] in transactions for each in found)

        observed = "listed" if _in_time(listed, expected == "listed") else "not listed"
        play.outcome.add(f"regulator and {refusal.error}", expected, observed)


def _in_time(look: Any, awaited: bool) -> bool:
    """Whether it is so; what is awaited gets a little time."""
    if not awaited:
        return bool(look())
    try:
        return bool(wait_for(look, "", NOTICE_SECONDS))
    except StillWaiting:
        return False


def _check_state(play: Play, state: ExpectedState) -> None:
    if state.receipt is not None:
        party, path = play.pack.receipts[state.receipt].keeper, f"/v1/receipts/{play.ids[state.receipt]}"
    else:
        key = str(state.facility)
        party, path = play.pack.facilities[key].lender, f"/v1/facilities/{play.ids[key]}"
    value: Any = play.cast.sessions[party].get(f"{path}/summary")
    name = f"{state.receipt or state.facility}: {state.field}"
    try:
        for part in state.field.split("."):
            value = value[int(part)] if part.isdigit() else value[part]
    except (KeyError, IndexError, TypeError):
        play.outcome.add(name, json.dumps(state.equals), "no such field in the answer")
        return
    play.outcome.add(name, json.dumps(state.equals), json.dumps(value))


def _gather(play: Play, folder: Path) -> None:
    """Bundles and answers at a block that is final by then, and the trust file of this chain with that block."""
    block = _final_block(play)
    for key in play.pack.expect.bundles:
        party, path = _record(play, key)
        session = play.cast.sessions[party]
        answer = session.get(path, as_of_block=block)
        _save(play, folder, key, answer, session.download(f"{path}/proof", as_of_block=block))
        for action in session.pages(f"{path}/actions") if key in play.pack.facilities else []:
            name = f"{key}-{action['action']}-{action['facilitySeq']}"
            _save(play, folder, name, None, session.download(action["proof"], as_of_block=block))
    play.outcome.trust = folder / "trust.json"
    pins = sorted({int(json.loads(path.read_bytes())["header"]["number"], 16) for path in play.outcome.bundles})
    external = play.stage.settings.ledger.engine != "embedded"
    trust = export_trust(play.stage.chain, play.stage.addresses, tuple(pins) if external else ())
    play.outcome.trust.write_bytes(dump_trust(trust))


def _final_block(play: Play) -> int:
    """The block up to which the index has read all that the pack did, once that block is final."""
    session = next(iter(play.cast.sessions.values()))
    block = int(session.get("/v1/blocks/head")["block"]["number"])

    def final() -> bool:
        head = int(session.get("/v1/blocks/head")["block"]["number"])
        return block <= newest_final(head, play.stage.settings.ledger.finality)

    wait_for(final, f"block {block} to be final")
    return block


def _record(play: Play, key: str) -> tuple[str, str]:
    if key in play.pack.receipts:
        return play.pack.receipts[key].keeper, f"/v1/receipts/{play.ids[key]}"
    return play.pack.facilities[key].lender, f"/v1/facilities/{play.ids[key]}"


def _save(play: Play, folder: Path, name: str, answer: Body | None, evidence: bytes) -> None:
    bundle = folder / f"{name}.bundle.json"
    bundle.write_bytes(evidence)
    play.outcome.bundles.append(bundle)
    if answer is not None:
        path = folder / f"{name}.answer.json"
        path.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
        play.outcome.answers.append(path)


def _verify(play: Play) -> None:
    """Every bundle by the command that anybody would use, with the answer that it belongs to."""
    answers = {path.name.removesuffix(".answer.json"): path for path in play.outcome.answers}

    def verified(bundle: Path) -> str:
        name = _name(bundle)
        answer = ["--answer", str(answers[name])] if name in answers else []
        command = (*COMMAND, "verify", str(bundle), "--trust", str(play.outcome.trust), *answer)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "verified" if done.returncode == 0 else _last(done.stdout + done.stderr)

    with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        for bundle, observed in zip(
            play.outcome.bundles, side_by_side.map(verified, play.outcome.bundles), strict=True
        ):
            play.outcome.add(f"bundle {_name(bundle)}", "verified", observed)


def _name(bundle: Path) -> str:
    return bundle.name.removesuffix(".bundle.json")


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
