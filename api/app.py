"""The application: its parts put together from settings, its routes, its middleware."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI

from api import errors
from api.acts.built import Book
from api.config import ApiSection
from api.console import site
from api.drafting import Drafting
from api.drafts import Drafts
from api.goods_key import read_goods_key
from api.idempotency import Answers
from api.keyring import Keyring
from api.live import Streams
from api.members import MembersSource
from api.monitoring import monitor_of
from api.operations import Operations
from api.presence import enter
from api.records.oracles import Oracles
from api.records.reading import newest
from api.refusals import RefusalLog
from api.security.limits import RequestLimits
from api.security.middleware import AccessLog, BodyLimit, SafetyHeaders
from api.security.secret import derive
from api.security.sessions import Sessions
from api.security.tokens import Tokens
from api.sending import Sending
from api.services import Services
from api.shelves import Shelves
from api.store.database import open_database
from api.v1 import description, drafts, live, measurements, network, oauth, operations, records, supervision, webhooks
from api.webhooks.hooks import open_hooks
from ledger_node.client import ChainClient
from ledger_node.files import load_or_make_secret, make_folder
from ledger_node.keys import LocalSigner
from ledger_node.monitoring import NEARBY, Counted, Scrapers
from ledger_node.trust import PinnedBlock, Trust
from oracle.clock import Clock, SystemClock
from registry.index.queries import Index
from registry.transitions import Deployment

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
DESCRIPTION = (
    "Warehouse receipts, pledges and facilities of a consortium, watched by signed device readings. "
    "Every answer names the block it is true at; `x-proof` says of each GET how it is proved."
)


@dataclass(frozen=True, slots=True)
class Chain:
    """What the application needs of the chain: where its contracts are, its index, its node, how to send.

    `trust` is what this service believes of a block that its own node has shown.
    `finality` is how many blocks must stand on a block until it is final.
    `goods_key_hash` shows which key for goods keys is the consortium's.
    """

    deployment: Deployment
    index: Index
    client: ChainClient
    oracles: Oracles
    trust: Callable[[PinnedBlock], Trust]
    sending: Callable[[Keyring], Sending]
    finality: int
    goods_key_hash: bytes


def make_services(section: ApiSection, chain: Chain, clock: Clock | None = None) -> Services:
    """Open database, secret and members of a section whose paths are absolute.

    Raises GoodsKeyError, MembersError, ValueError.
    """
    goods_key = read_goods_key(section.goods_key_file, chain.goods_key_hash)
    folder = Path(section.directory)
    make_folder(folder, 0o700)
    engine = open_database(f"sqlite:///{folder / 'api.db'}")
    secret = load_or_make_secret(folder / "secret")
    answer_key = derive(secret, "answers")
    presence = enter(folder / "serving", Answers(engine, answer_key).forget_unfinished)
    members = MembersSource(section.members_file)
    clock = clock or SystemClock()
    keyring = Keyring(members)

    def book() -> Book:
        return newest(chain.index)

    drafting = Drafting(
        drafts=Drafts(engine),
        shelves=Shelves(folder / "documents", secret),
        keyring=keyring,
        members=members,
        book=book,
        deployment=chain.deployment,
        goods_key=goods_key,
        clock=clock,
        refusals=RefusalLog(engine, LocalSigner(derive(secret, "refusals")), clock),
    )
    return Services(
        section=section,
        members=members,
        engine=engine,
        presence=presence,
        clock=clock,
        sessions=Sessions(engine, secret, section.session_seconds),
        tokens=Tokens(engine, members, secret, section.public_url, section.token_seconds),
        limits=RequestLimits(),
        answer_key=answer_key,
        webhooks=open_hooks(engine, secret, section.webhooks),
        drafting=drafting,
        index=chain.index,
        client=chain.client,
        oracles=chain.oracles,
        trust=chain.trust,
        finality=chain.finality,
        operations=Operations(engine, drafting, chain.sending(keyring), book, clock),
    )


def create_app(services: Services, lifespan: Lifespan | None = None, allowed: Scrapers = NEARBY) -> FastAPI:
    """The ASGI application over its services; `lifespan` runs beside it, `allowed` may read its figures."""
    app = FastAPI(
        title="Cangdan",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=description.PATH,
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.streams = Streams(services.index, services.section.streams, services.section.streams_per_login)
    app.state.error_pages = {}
    errors.install(app)
    for router in (
        oauth.router,
        drafts.router,
        operations.router,
        records.router,
        measurements.router,
        webhooks.router,
        live.router,
        supervision.router,
        network.router,
    ):
        app.include_router(router)
    monitor = monitor_of(services, app.state.streams, allowed)
    app.router.routes += monitor.routes()
    description.install(app)
    site.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SafetyHeaders, secure=services.section.public_url.startswith("https:"))
    app.add_middleware(Counted, monitor=monitor)
    app.add_middleware(AccessLog)
    app.add_middleware(CorrelationIdMiddleware)
    return app
