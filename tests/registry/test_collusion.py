"""What the chain believed and the evidence does not bear out: the bundle is whole, its check names what is wrong."""

from pathlib import Path

import pytest

from registry.evidence.bundle_file import dump_bundle
from registry.evidence.collect import Collector
from registry.evidence.verify import verify_bundle
from registry.index.queries import Index
from tests.registry.bundles import HOLD, trust_of
from tests.registry.consortium import Consortium
from tests.registry.story import catch_up, index_of
from tests.registry.watch import START, Watch


def failing_step(folder: Path, watch: Watch, mass: int, liars: list[int]) -> str | None:
    """The step at which the bundle of a hold fails; `mass` is what the scale said."""
    made = watch.consortium
    watch.enrol()
    watch.open_facility()
    for number in range(3):
        watch.minute(number, [mass] * 3, 1, liars)
    seq = watch.fire(HOLD)
    engine, indexer = index_of(made.client, made.deployment, f"sqlite:///{folder}/index.db")
    catch_up(indexer)
    collector = Collector(made.client, Index(engine).as_of(), made.deployment)
    verdict = verify_bundle(dump_bundle(collector.action(watch.facility, seq, watch)), trust_of(made))
    made.close()
    return None if verdict.ok else verdict.steps[-1].name.value


@pytest.mark.parametrize(
    ("options", "mass", "liars", "step"),
    [
        ({}, 22_500, [0, 1, 2], "observations"),
        ({"revoked_at": START}, 20_000, [], "segments"),
        ({"forged_keys": True}, 20_000, [], "segments"),
        ({}, 20_000, [], None),
    ],
)
def test_collusion_is_found_in_the_evidence(
    tmp_path: Path, options: dict[str, object], mass: int, liars: list[int], step: str | None
) -> None:
    watch = Watch(Consortium(tmp_path / "chain").deploy().populate(), **options)  # type: ignore[arg-type]
    assert failing_step(tmp_path, watch, mass, liars) == step
