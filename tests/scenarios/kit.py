"""What the end-to-end tests share: packs made anew from the shipped ones, the command, and what anybody can read."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from api.founding.enrolment import Newcomer
from api.runner.cast import assemble
from api.runner.outcomes import check
from api.runner.pack import load
from api.runner.play import Play
from api.runner.quantities import scaled, time_ms
from api.runner.results import Outcome
from api.runner.run import SCENARIOS, Wish, direction, find
from api.runner.run import play as play_and_compare
from api.runner.session import Session
from api.runner.stage import Stage, open_stage
from api.stack import COMMAND
from ledger_node.hexvalues import data_hex, read_data
from oracle.clock import SystemClock
from oracle.formats.requests import Scheme, sign_request
from oracle.formats.schema import from_json
from oracle.formats.segment import Segment, parse

ROOT = Path(__file__).parents[2]
PLANT = SCENARIOS / "data" / "pv_inverter_2173.csv"
PLANT_DIGEST = "0x21cbab12de88b4a473a7892d1dfbe240f1f478be2f467f7e8d2edd829eefbb9f"
"""What `audit digest` says after the plant's pack, played first on a product of its own, on every chain."""
Body = dict[str, Any]
Edit = Callable[[Body], object]


def cangdan(*words: str, seconds: float = 500, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person types it who has these variables set."""
    everything = {**os.environ, **environment}
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=seconds, cwd=ROOT, env=everything)


def copied(name: str, folder: Path, tag: str = "", edit: Edit = lambda pack: None) -> Path:
    """A copy of a shipped pack; with a tag its goods are other goods, so that it can be played beside the first."""
    folder.mkdir(parents=True, exist_ok=True)
    pack = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
    for receipt in pack.get("receipts", {}).values() if tag else ():
        receipt["content"]["receiptNo"] += f"-{tag}"
        receipt["content"]["storagePlace"]["bin"] += f" {tag}"
        for unit in receipt["units"]:
            unit["label"] = unit["label"][:-4] + sha256((unit["label"] + tag).encode()).hexdigest()[:4].upper()
    edit(pack)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(pack, allow_unicode=True, sort_keys=False), encoding="utf-8")
    if not (folder / "data").exists():
        (folder / "data").symlink_to(SCENARIOS / "data")
    return path


def perform(home: Path, pack: str | Path, out: Path, wish: Wish | None = None, **rest: Any) -> Outcome:
    """Play a pack, by name or by path, on a running product."""
    return play_and_compare(home, find(str(pack)), wish or Wish(), out, rest.get("tell", _quiet), rest.get("funder"))


@contextmanager
def performed(home: Path, pack: Path, wish: Wish) -> Iterator[Play]:
    """A pack that has been played and is not yet compared with what it expects."""
    read = load(pack)
    directed = direction(read, pack.parent, wish)
    with open_stage(home) as stage:
        cast = assemble(read, stage, directed, f"{read.name}/{pack.parent}")
        play = Play(read, stage, cast, directed, Outcome(read.name, "embedded"))
        play.run()
        stage.operator.outbox.close()  # others may play on this stack before the comparison is over
        yield play


def compared(play: Play, folder: Path, edit: Edit = lambda pack: None) -> Outcome:
    """What comes of a played pack when it expects what it does after the edit."""
    expecting = load(copied(play.pack.name, folder, edit=edit))
    outcome = Outcome(play.pack.name, "embedded", steps=list(play.outcome.steps))
    again = replace(play, pack=play.pack.model_copy(update={"expect": expecting.expect}), outcome=outcome)
    (folder / "out").mkdir()
    check(again, folder / "out")
    return outcome


def without_breach(pack: str | Path) -> Wish:
    """All episodes of a pack left out."""
    return Wish(omit=tuple(load(find(str(pack))).episodes))


def failed(outcome: Outcome) -> list[str]:
    """What was not as expected, in words."""
    return [f"{s.name}: expected {s.expected}, observed {s.observed}" for s in outcome.steps if not s.ok]


def seen(outcome: Outcome, name: str) -> str:
    """What was observed at the step of that name."""
    return next(step.observed for step in outcome.steps if step.name == name)


def digest_of(home: Path) -> str:
    """What `cangdan audit digest` says of the stack."""
    done = cangdan("--home", str(home), "audit", "digest", "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["digest"])


@dataclass(frozen=True, slots=True)
class Heard:
    """What one oracle has of a facility's devices: segments in order; figures by metric, slot, value, flag, count."""

    segments: tuple[Segment, ...]
    figures: Counter[tuple[str, int, str, int, int]]

    @property
    def values(self) -> list[tuple[int, int]]:
        """Event time and value of every reading, as the segments have them."""
        return [(s.t0_ms + r.dt_ms, int(r.value)) for s in self.segments for r in s.readings]


def recorded_values() -> list[tuple[int, int]]:
    """Event time and value, in millionths, of every row of the plant's file that has a value."""
    with PLANT.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["value_normalized"]]
    return [(time_ms(row["timestamp"]), scaled(row["value_normalized"], -6)) for row in rows]


@contextmanager
def member_of(home: Path, pack: str | Path, party: str) -> Iterator[tuple[Stage, Session]]:
    """The program of a pack's party at the running product."""
    who = load(find(str(pack))).parties[party]
    with open_stage(home) as stage:
        seat = stage.enrolment.seat(Newcomer(who.kind, who.name, who.name_zh, who.identifier))
        yield stage, Session(seat, stage.api, stage.settings.api.public_url)


def heard_by_oracles(home: Path, pack: str | Path, lender: str) -> list[Heard]:
    """What each oracle shows to the lender of the newest facility."""
    with member_of(home, pack, lender) as (stage, session):
        facility = session.get("/v1/facilities")["items"][0]["id"]
        return [_heard(stage, session, url, facility) for url in stage.oracle_urls]


def _heard(stage: Stage, session: Session, url: str, facility: str) -> Heard:
    def get(target: str) -> Body:
        origin = stage.devices.get(f"{url}/v1/oracle").json()["origin"]
        header = sign_request(session.signer, Scheme.ACCOUNT, origin, target, SystemClock().now_ms())
        answer = stage.devices.get(url + target, headers={"authorization": header})
        assert answer.is_success, answer.text
        found: Body = answer.json()
        return found

    segments: list[Segment] = []
    figures: Counter[tuple[str, int, str, int, int]] = Counter()
    for schema in get(f"/v1/covenants/{facility}")["schemas"]:
        for device in sorted({member["device"] for member in schema["members"]}):
            for page in _pages(get, "/v1/segments", "after", device=device):
                segments += [parse(read_data("segment", entry["segment"])).content for entry in page["entries"]]
        name = data_hex(from_json(schema).id)
        for page in _pages(get, "/v1/observations", "from", schema=name, to=2**48 - 1):
            figures.update((o["metric"], o["slot"], o["value"], o["flag"], o["count"]) for o in page["observations"])
    return Heard(tuple(segments), figures)


def _pages(get: Callable[[str], Body], path: str, key: str, **query: Any) -> Iterator[Body]:
    after: int | None = 0
    while after is not None:
        page = get(f"{path}?{urlencode({**query, key: after})}")
        yield page
        after = page["next"]


def _quiet(text: str) -> None:
    """Nobody listens."""
