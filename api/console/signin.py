"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.console.access import Sender
from api.console.i18n import language_of
from api.console.render import FormError, page, translator
from api.problems import ProblemError
from api.security.access import refuse_other_sites, session_principal
from api.security.passwords import matches
from api.security.sessions import COOKIE
from api.services import services_of

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def form(request: Request, next: str = "/") -> Response:
    """The sign-in page; who is signed in already goes on."""
    if session_principal(request) is not None:
        return RedirectResponse(_own_path(next), 303)
    return page(request, "sign_in.html", login="", next=_own_path(next))


@router.post("/sign-in")
def sign_in(
    request: Request,
    login: Annotated[str, Form(max_length=120)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=400)] = "/",
) -> Response:
    """Begin a session. A wrong login and a wrong password are told in the same words, after the same time."""
    refuse_other_sites(request)
    services = services_of(request)
    _ = translator(language_of(request)).gettext
    wrong = FormError(_("Login or password is wrong."), "login")
    try:
        address = request.client.host if request.client else "unknown"
        services.limits.hit("sign-ins", login.lower()[:120], services.section.sign_ins_per_minute)
        services.limits.hit("sign-ins by address", address, services.section.sign_ins_per_minute * 10)
    except ProblemError:
        late = FormError(_("Too many attempts. Wait a minute and try again."), "login")
        return _again(request, login, next, late, 429)
    entry = services.members().users.get(login)
    if not matches(entry[1].password_hash if entry else None, password) or entry is None:
        return _again(request, login, next, wrong, 422)
    cookie = services.sessions.begin(login, services.clock.now_ms())
    response = RedirectResponse(_own_path(next), 303)
    secure = services.section.public_url.startswith("https:")
    response.set_cookie(
        COOKIE, cookie, max_age=services.section.session_seconds, httponly=True, samesite="strict", secure=secure
    )
    return response


@router.post("/sign-out")
def sign_out(request: Request, principal: Sender) -> Response:
    """End the session."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        services_of(request).sessions.end(cookie)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


def _again(request: Request, login: str, target: str, error: FormError, status: int) -> Response:
    return page(request, "sign_in.html", status=status, errors=[error], login=login, next=_own_path(target))


def _own_path(target: str) -> str:
    """A path of this console; anything else becomes the first page, so that no link leads elsewhere."""
    own = target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if own else "/"
