"""docs/decisions: each has a number of its own, which its title begins with."""

from pathlib import Path

FILES = sorted((Path(__file__).parents[2] / "docs" / "decisions").glob("*.md"))


def test_no_number_is_given_twice_or_left_out() -> None:
    assert [file.name[:5] for file in FILES] == [f"{number:04}-" for number in range(1, len(FILES) + 1)]


def test_each_title_begins_with_the_number_of_its_file() -> None:
    assert [file.name for file in FILES if not file.read_text("utf-8").startswith(f"# {file.name[:4]} ")] == []
