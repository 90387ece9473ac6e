"""Every sentence of the console is there in Chinese, with the same places for values."""

import ast
import re
from pathlib import Path
from typing import Any, get_args

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from api.acts.kinds import STRUCTS
from api.console.fields import field_words, struct_words
from api.problems import KINDS
from registry.documents.fields import Strict
from registry.documents.models import MODELS

ROOT = Path(__file__).parents[2] / "api"
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None, "count": (1, 2)}
FOR_PEOPLE = (
    "acts/*.py", "console/*.py", "records/*.py", "drafting.py", "keyring.py", "operations.py", "sending.py",
    "security/access.py",
)  # fmt: skip
"""Where refusals come from that a person at the console may meet."""
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]")


def sentences() -> set[str]:
    """What templates and code of the console say, and what this service's refusals say to people."""
    return said() | {text for kind in KINDS.values() for text in (kind.title, kind.mend)} | details()


def details() -> set[str]:
    """The details of refusals that hold no values."""
    found = set()
    for path in (path for place in FOR_PEOPLE for path in ROOT.glob(place)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ProblemError":
                detail = node.args[1] if len(node.args) > 1 else None
                if isinstance(detail, ast.Constant):
                    found.add(detail.value)
    return found


def said() -> set[str]:
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


def test_every_field_of_a_document_or_a_consent_has_words():
    known = field_words(str) | struct_words(str)
    fields = {field.name for struct in STRUCTS.values() for field in struct.TYPE.fields}
    for model in MODELS.values():
        fields |= names_of(model)
    assert fields - known.keys() == {"schema"}


def names_of(model: Any) -> set[str]:
    """The names of a document's fields, and of the parts of it."""
    found = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, Strict):
                found |= names_of(kind)
    return found
