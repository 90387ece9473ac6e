"""What cannot be played is refused in one line, with exit code 2, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios import kit

pytestmark = pytest.mark.timeout(120)


def refusal(*words: str) -> str:
    done = kit.cangdan("scenario", "run", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    return done.stderr


def test_an_unknown_pack_is_told_which_packs_there_are() -> None:
    assert "double-pledge, e-fence, pv-plant" in refusal("no-such-pack")


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = kit.copied("pv-plant", tmp_path, edit=lambda pack: pack["facilities"]["loan"].update(colour="red"))
    assert "facilities.loan.colour" in refusal(str(path))


def test_a_pack_that_expects_nothing_is_refused(tmp_path: Path) -> None:
    path = kit.copied("pv-plant", tmp_path, edit=lambda pack: pack.update(expect={}))
    assert "without expectations" in refusal(str(path))


def test_an_episode_that_the_pack_does_not_have_cannot_be_left_out() -> None:
    assert "--omit hail: the pack has the episodes stuck-1" in refusal("pv-plant", "--omit", "hail")


@pytest.mark.parametrize("override", ["inverter=x.csv", "stream.meter=x.csv", "stream.inverter"])
def test_an_override_names_a_recorded_device_and_a_file(override: str) -> None:
    assert "must be stream.DEVICE=FILE.csv" in refusal("pv-plant", "--override", override)


def test_a_file_without_the_columns_of_the_stream_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("time,power\n2011-01-03T00:00:00+00:00,0.1\n")
    assert "mine.csv: has no column 'timestamp'" in refusal("pv-plant", "--override", f"stream.inverter={file}")


def test_a_payer_goes_with_a_chain() -> None:
    assert "--funder and --finality go with --rpc" in refusal("double-pledge", "--finality", "2")


def test_an_address_that_no_node_can_have_is_refused() -> None:
    assert "rpc_url: Value error, must begin with" in refusal("double-pledge", "--rpc", "ftp://x")
    assert "finality: Input should be less" in refusal(
        "double-pledge", "--rpc", "http://127.0.0.1:1", "--finality", "9" * 20
    )
