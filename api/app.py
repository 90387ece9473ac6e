"""The application: its parts put together from settings, its routes, its middleware."""

from pathlib import Path

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI

from api import errors
from oracle.clock import Clock, SystemClock
from api.config import ApiSection
from api.idempotency import Answers
from api.members import MembersSource
from api.security.limits import RequestLimits
from api.security.middleware import AccessLog, SafetyHeaders
from api.security.secret import load_or_make
from api.security.sessions import Sessions
from api.security.tokens import Tokens
from api.services import Services
from api.store.database import open_database
from api.v1 import oauth

DESCRIPTION = (
    "Warehouse receipts, pledges and facilities of a consortium, watched by signed device readings. "
    "Every answer names the block it is true at; `x-proof` says of each GET how it is proved."
)


def make_services(section: ApiSection, clock: Clock | None = None) -> Services:
    """Open database, secret and members of a section whose paths are absolute. Raises MembersError, ValueError."""
    folder = Path(section.directory)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_database(f"sqlite:///{folder / 'api.db'}")
    Answers(engine).forget_unfinished()
    secret = load_or_make(folder / "secret")
    members = MembersSource(section.members_file)
    return Services(
        section=section,
        members=members,
        engine=engine,
        clock=clock or SystemClock(),
        sessions=Sessions(engine, secret, section.session_seconds),
        tokens=Tokens(engine, members, secret, section.public_url, section.token_seconds),
        limits=RequestLimits(),
    )


def create_app(services: Services) -> FastAPI:
    """The ASGI application over its services."""
    app = FastAPI(title="Cangdan", version="1", description=DESCRIPTION, docs_url=None, redoc_url=None)
    app.state.services = services
    app.state.error_pages = {}
    errors.install(app)
    app.include_router(oauth.router)
    app.add_middleware(SafetyHeaders, secure=services.section.public_url.startswith("https:"))
    app.add_middleware(AccessLog)
    app.add_middleware(CorrelationIdMiddleware)
    return app
