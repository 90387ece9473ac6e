"""What every verb shares."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.cli.output import CommandError, progress, show


@dataclass(frozen=True, slots=True)
class Result:
    path: Path
    digest: bytes
    names: tuple[str, ...]


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="a result holds object"):
        show({"x": object()}, as_json=True, text="")


def test_a_result_is_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    show(Result(Path("a/b"), b"\x01\xff", ("仓单",)), as_json=True, text="not this")
    assert json.loads(capsys.readouterr().out) == {"path": "a/b", "digest": "0x01ff", "names": ["仓单"]}


def test_without_json_only_the_text_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show({"x": object()}, as_json=False, text=lambda: "two words")
    assert capsys.readouterr().out == "two words\n"


def test_an_error_is_one_line_of_cause_and_mend() -> None:
    assert CommandError("no\nkey", "make one").line() == "no key; make one"
    assert CommandError("no key").line() == "no key"


def test_off_a_terminal_progress_is_a_line_for_each_new_text(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("loading") as tell:
        tell(0, 2, "e-fence")
        tell(0, 2, "e-fence")
        tell(1, 2, "pv-plant")
    captured = capsys.readouterr()
    assert captured.err == "loading [0/2]: e-fence\nloading [1/2]: pv-plant\n"
    assert captured.out == ""
