"""The console as part of the application: its pages, its files, its pages for errors, the API's description."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from api.console import credit, decisions, devices, goods, home, network, papers, replays, signin
from api.console.faults import mend_words, title_words
from api.console.i18n import language_of
from api.console.render import page, problem_page, translator
from api.problems import KINDS, ProblemError
from api.records.events import EVENTS
from api.security.access import session_principal

_STATIC = Path(__file__).parent / "static"
_SWAGGER = Path(str(fastapi_offline.__file__)).parent / "static"
router = APIRouter(include_in_schema=False)


def install(app: FastAPI) -> None:
    """Add the console to an application."""
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.mount("/docs-files", StaticFiles(directory=_SWAGGER), name="docs-files")
    app.state.error_pages["page"] = problem_page
    for part in (
        router,
        signin.router,
        home.router,
        goods.router,
        credit.router,
        decisions.router,
        papers.router,
        devices.router,
        replays.router,
        network.router,
    ):
        app.include_router(part)


@router.get("/docs")
def docs(request: Request) -> Response:
    """The interface's description, readable and to try."""
    return page(request, "docs.html", session_principal(request))


@router.get("/problems")
def problems(request: Request) -> Response:
    """Every kind of error that the interface gives."""
    say = translator(language_of(request)).gettext
    kinds = [(kind, title_words(kind, say), mend_words(kind, say)) for kind in KINDS.values()]
    return page(request, "problems.html", session_principal(request), kinds=kinds)


@router.get("/events")
def events(request: Request) -> Response:
    """Every type of event that webhooks and live streams tell."""
    return page(request, "events.html", session_principal(request), events=list(EVENTS.values()))


@router.get("/problems/{code}")
def problem(request: Request, code: str) -> Response:
    """One kind of error: what the type of a problem document leads to."""
    if code not in KINDS:
        raise ProblemError("not-found", "no such kind of error")
    return RedirectResponse(f"/problems#{code}", 303)
