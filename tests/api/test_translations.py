"""Every sentence of the console is there in Chinese, with the same places for values."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2] / "api"
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None, "count": (1, 2)}
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]")


def sentences() -> set[str]:
    found = extract_from_dir(
        ROOT / "console",
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={"templates/**.html": {"newstyle_gettext": "true"}},
        keywords=KEYWORDS,
    )
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


def translations() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    pairs = ((message.id, message.string) for message in catalogue if message.id)
    return {id_[0] if isinstance(id_, tuple) else id_: s[0] if isinstance(s, tuple) else s for id_, s in pairs}


def test_no_sentence_lacks_its_translation():
    known = translations()
    assert {sentence for sentence in sentences() if not known.get(sentence)} == set()


def test_no_translation_is_left_over():
    assert set(translations()) - sentences() == set()


def test_a_translation_has_the_same_places_for_values():
    for sentence, translated in translations().items():
        assert sorted(PLACES.findall(sentence)) == sorted(PLACES.findall(translated)), sentence
