"""The two languages of the console: English in the templates, Simplified Chinese from a catalogue of Babel."""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

ENGLISH, CHINESE = "en", "zh-Hans"
LANGUAGES = {ENGLISH: "English", CHINESE: "简体中文"}
COOKIE = "cangdan_language"
_CATALOGUE = Path(__file__).parent.parent / "locale" / "zh_Hans" / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; English needs none."""
    if language != CHINESE:
        return NullTranslations()
    with _CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def language_of(request: Request) -> str:
    """The language asked for: by ?lang=, by the cookie that this sets, by what the browser accepts."""
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        return asked
    kept = request.cookies.get(COOKIE)
    if kept in LANGUAGES:
        return kept
    first = request.headers.get("accept-language", "").split(",")[0].lower()
    return CHINESE if first.startswith("zh") else ENGLISH
