"""The webhooks of one process: what the interface changes and the courier sends."""

from dataclasses import dataclass

from sqlalchemy import Engine

from api.config import WebhookSection
from api.webhooks.deliveries import Deliveries
from api.webhooks.endpoints import Endpoints
from api.webhooks.targets import Policy


@dataclass(frozen=True, slots=True)
class Hooks:
    """Webhooks and deliveries of one database, and where webhooks may lead."""

    endpoints: Endpoints
    deliveries: Deliveries
    policy: Policy


def open_hooks(engine: Engine, secret: bytes, section: WebhookSection) -> Hooks:
    """The webhooks of a database under the process's secret."""
    deliveries = Deliveries(engine, section.give_up_seconds * 1000)
    return Hooks(Endpoints(engine, secret), deliveries, Policy(section.loopback_http, section.networks))
