"""Running a scenario: pack, stage, performance, outcome."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.founding.enrolment import Funder
from api.runner.cast import Direction, assemble, samples_of
from api.runner.outcomes import check
from api.runner.pack import Pack, PackError, load
from api.runner.play import Play
from api.runner.quantities import duration_ms, time_ms
from api.runner.results import Outcome
from api.runner.stage import open_stage

SCENARIOS = Path(__file__).parent.parent / "scenarios"
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asks for beyond the pack."""

    seed: int = 1
    omit: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


def names() -> list[str]:
    """The packs that come with the product."""
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def find(pack: str) -> Path:
    """The file of a pack given by name or by path. Raises PackError."""
    path = SCENARIOS / f"{pack}.yaml" if pack in names() else Path(pack)
    if not path.is_file():
        raise PackError(f"{pack}: neither a file nor one of {', '.join(names())}")
    return path


def direction(pack: Pack, folder: Path, wish: Wish) -> Direction:
    """How to play, from what the caller asks for. Raises PackError for what the pack does not have."""
    for name in wish.omit:
        if name not in pack.episodes:
            raise PackError(f"--omit {name}: the pack has the episodes {', '.join(pack.episodes) or 'none'}")
    overrides: dict[str, Path] = {}
    for text in wish.overrides:
        stream, _, file = text.partition("=")
        device = pack.devices.get(stream.removeprefix("stream."))
        if not stream.startswith("stream.") or device is None or device.stream.recorded is None or not file:
            raise PackError(f"--override {text}: must be stream.DEVICE=FILE.csv of a recorded device")
        overrides[stream.removeprefix("stream.")] = Path(file)
    directed = Direction(folder, _starts(pack), wish.seed, frozenset(wish.omit), overrides)
    for name in pack.devices:
        for _ in samples_of(pack, name, directed):
            pass
    return directed


def play(home: Path, path: Path, wish: Wish, out: Path, tell: Callable[[str], None], funder: Funder | None) -> Outcome:
    """Play a pack on the product of a state directory, and compare. Raises PackError, StreamError, ApiRefused..."""
    return perform(home, load(path), path.parent, wish, out, tell, funder)


def perform(
    home: Path,
    pack: Pack,
    folder: Path,
    wish: Wish,
    out: Path,
    tell: Callable[[str], None],
    funder: Funder | None = None,
) -> Outcome:
    """Play a pack that has been read; its recorded files lie in `folder`. Raises as `play` does."""
    directed = direction(pack, folder, wish)
    out.mkdir(parents=True, exist_ok=True)
    with open_stage(home, funder) as stage:
        outcome = Outcome(pack.name, stage.settings.ledger.engine)
        tell("enrolling parties and devices")
        cast = assemble(pack, stage, directed, f"{pack.name}/{secrets.token_hex(8)}")
        performance = Play(pack, stage, cast, directed, outcome, tell)
        performance.run()
        tell("comparing with what is expected")
        check(performance, out)
    return outcome


def _starts(pack: Pack) -> int:
    """Event time at which simulated streams begin, on a whole minute."""
    now = time.time_ns() // 1_000_000
    start = now - duration_ms(pack.starts[1:]) if pack.starts.startswith("-") else time_ms(pack.starts)
    return start - start % _MINUTE_MS
