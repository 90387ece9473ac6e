"""Rendering pages: the templates' environment, and what every page carries around its content."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.console import i18n, words
from api.console.faults import detail_words, mend_words, title_words
from api.problems import ProblemError
from api.security.access import session_principal
from api.security.roles import Principal, Role, Scope
from api.services import services_of

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page, in words."""

    person: str
    member_name: str
    role_name: str


@dataclass(frozen=True, slots=True)
class FormError:
    """A fault of a form: its words, and the field that it is linked to."""

    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the main navigation."""

    href: str
    label: str
    current: bool
    count: int = 0


@cache
def environment(language: str) -> Environment:
    """The templates in a language; every value is escaped, a missing one is an error."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    install: Any = made
    install.install_gettext_translations(i18n.translations(language), newstyle=True)
    made.filters["short"] = words.short
    made.filters["svg"] = Markup
    return made


def translator(language: str) -> NullTranslations:
    """The catalogue of a language, for words that code puts together."""
    return i18n.translations(language)


def viewer_of(request: Request, principal: Principal, language: str) -> Viewer:
    """The viewer in words."""
    member = services_of(request).members().by_entity[principal.entity]
    return Viewer(principal.display_name, member.named(language), role_name(principal.role, language))


def role_name(role: Role, language: str) -> str:
    """A role in the reader's language."""
    _ = translator(language).gettext
    names = {
        Role.BANK: _("bank"),
        Role.KEEPER: _("warehouse"),
        Role.INSURER: _("insurer"),
        Role.DEPOSITOR: _("depositor"),
        Role.INSPECTOR: _("inspector"),
        Role.REGULATOR: _("regulator"),
    }
    return names[role]


def page(
    request: Request,
    template: str,
    principal: Principal | None = None,
    *,
    status: int = 200,
    errors: Sequence[FormError] = (),
    **context: object,
) -> Response:
    """A page in the reader's language; a choice of language by ?lang= is kept in a cookie."""
    language = i18n.language_of(request)
    services = services_of(request)
    around: dict[str, object] = {
        "language": language,
        "languages": i18n.LANGUAGES,
        "language_link": lambda code: _in_language(request, code),
        "viewer": None if principal is None else viewer_of(request, principal, language),
        "navigation": [],
        "strip": None,
        "form_token": "",
        "errors": list(errors),
        "request_id": correlation_id.get(),
        "base": services.section.public_url,
    }
    if principal is not None and principal.session is not None:
        around["form_token"] = services.sessions.form_token(principal.session)
        around["navigation"] = navigation(request, principal, language)
    text = environment(language).get_template(template).render({**around, **context})
    response = HTMLResponse(text, status, {"Content-Language": language, "Vary": "Cookie, Accept-Language"})
    if request.query_params.get("lang") in i18n.LANGUAGES:
        response.set_cookie(i18n.COOKIE, language, max_age=31_536_000, samesite="strict", secure=_secure(request))
    return response


def navigation(request: Request, principal: Principal, language: str) -> list[NavItem]:
    """The main navigation of a role."""
    _ = translator(language).gettext
    entries = [("/", _("Home")), ("/receipts", _("Receipts")), ("/facilities", _("Facilities"))]
    if principal.role is not Role.REGULATOR:
        entries += [("/devices", _("Devices")), ("/reviews", _("Reviews")), ("/drafts", _("Drafts"))]
    entries += [("/alerts", _("Alerts"))]
    if principal.role is Role.REGULATOR:
        entries += [("/refusals", _("Refused acts"))]
    if Scope.NETWORK in principal.scopes:
        entries += [("/network", _("Network"))]
    path = request.url.path
    return [
        NavItem(href, label, path == href if href == "/" else path == href or path.startswith(href + "/"))
        for href, label in entries
    ]


def problem_page(request: Request, problem: ProblemError) -> Response:
    """What a person sees of a refusal: who is not signed in is asked to sign in."""
    principal = session_principal(request)
    if problem.code == "unauthenticated":
        target = request.url.path if request.method == "GET" else "/"
        return RedirectResponse(f"/sign-in?next={target}", 303)
    say = translator(i18n.language_of(request)).gettext
    response = page(
        request,
        "problem.html",
        principal,
        status=problem.kind.status,
        problem=problem,
        title=title_words(problem.kind, say),
        detail=detail_words(problem, say),
        mend=mend_words(problem.kind, say),
    )
    response.headers.update(problem.headers)
    return response


def _secure(request: Request) -> bool:
    return services_of(request).section.public_url.startswith("https:")


def _in_language(request: Request, code: str) -> str:
    url = request.url.include_query_params(lang=code)
    return f"{url.path}?{url.query}"
