"""Which processes one member runs, in the order in which they are started. Pure."""

import sys

from api.settings import Settings
from api.supervisor.units import Unit

COMMAND = (sys.executable, "-m", "api.cli.main")


def units(settings: Settings) -> tuple[Unit, ...]:
    """Ledger (when it is the embedded one), founding, oracles, indexer, API: each waits for those before it."""
    ledger = Unit("ledger", (*COMMAND, "ledger", "serve"), _ready(settings.ledger.host, settings.ledger.port))
    founding = Unit("founding", (*COMMAND, "consortium", "found"), once=True)
    oracles = (
        Unit(oracle.name, (*COMMAND, "oracle", "run", "--name", oracle.name), _ready(oracle.host, oracle.port))
        for oracle in settings.oracles
    )
    indexer = Unit("indexer", (*COMMAND, "indexer", "run"), _ready(settings.indexer.host, settings.indexer.port))
    api = Unit("api", (*COMMAND, "api", "serve"), _ready(settings.api.host, settings.api.port))
    return (*((ledger,) if settings.ledger.engine == "embedded" else ()), founding, *oracles, indexer, api)


def _ready(host: str, port: int) -> str:
    """Where a process says with 200 that it can be used."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reached}]:{port}/ready" if ":" in reached else f"http://{reached}:{port}/ready"
