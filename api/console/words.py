"""How values are written for people: amounts, quantities, times, hashes. Pure."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from babel.core import Locale
from babel.numbers import format_currency, format_decimal, get_currency_precision

_LOCALES = {"en": "en", "zh-Hans": "zh_Hans_CN"}
_UNITS = {
    "KGM": ("kg", "千克"),
    "TNE": ("t", "吨"),
    "C62": ("", ""),
    "H87": ("pieces", "件"),
    "CEL": ("°C", "°C"),
    "P1": ("%", "%"),
    "KWT": ("kW", "千瓦"),
    "KWH": ("kWh", "千瓦时"),
}


def amount(minor: int, currency: str, language: str) -> str:
    """An amount of whole minor units with its currency: `CNY 400,000.19`."""
    digits = get_currency_precision(currency)
    value = Decimal(minor).scaleb(-digits)
    locale = Locale.parse(_LOCALES[language])
    return format_currency(value, currency, format="¤¤ #,##0.00" if digits == 2 else None, locale=locale)


def quantity(value: int, unit: str, language: str) -> str:
    """A whole quantity in base units with its UN/ECE Recommendation 20 unit; kilograms from a tonne on as tonnes."""
    if unit == "KGM" and value >= 1000:
        return f"{decimal(value, -3, language)} {unit_name('TNE', language)}"
    return f"{decimal(value, 0, language)} {unit_name(unit, language)}".rstrip()


def decimal(value: int, exp10: int, language: str) -> str:
    """An integer times a power of ten, exactly, with grouped thousands."""
    places = max(-exp10, 0)
    pattern = "#,##0" + ("." + "#" * places if places else "")
    return format_decimal(Decimal(value).scaleb(exp10), format=pattern, locale=Locale.parse(_LOCALES[language]))


def unit_name(unit: str, language: str) -> str:
    """The name of a unit code in the reader's language; an unknown code names itself."""
    english, chinese = _UNITS.get(unit, (unit, unit))
    return chinese if language == "zh-Hans" else english


def moment(seconds: int, zone: tzinfo = UTC) -> str:
    """A time of the chain (s) as people read it: absolute, with its offset."""
    text = datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M %z")
    return f"{text[:-2]}:{text[-2:]}"


def day(milliseconds: int, zone: tzinfo = UTC) -> str:
    """A date of event time (ms) in a zone."""
    return datetime.fromtimestamp(milliseconds / 1000, zone).strftime("%Y-%m-%d")


def short(value: bytes | str) -> str:
    """A hash cut for the eye: its first and last digits."""
    text = "0x" + value.hex() if isinstance(value, bytes) else value
    return text if len(text) <= 16 else f"{text[:8]}…{text[-6:]}"
