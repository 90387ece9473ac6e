"""Which processes one member runs, in the order in which they are started. Pure."""

import sys

from api.settings import Settings
from api.supervisor.units import Unit

# What the processes import, so that the supervisor can import it once for all.
_LEDGER = ("ledger_node.embedded.server", "ledger_node.embedded.files")
_FOUNDING = ("api.founding.found",)
_API, _INDEXER, _ORACLE = ("api.serve",), ("registry.index.run",), ("oracle.run",)
COMMAND = (sys.executable, "-m", "api.cli.main")


def units(settings: Settings) -> tuple[Unit, ...]:
    """Ledger (when it is the embedded one), then founding, then indexer, API and this machine's oracles together."""
    ledger = Unit(
        "ledger", (*COMMAND, "ledger", "serve"), _ready(settings.ledger.host, settings.ledger.port), preload=_LEDGER
    )
    founding = Unit("founding", (*COMMAND, "consortium", "found"), once=True, preload=_FOUNDING)
    oracles = (
        Unit(
            oracle.name,
            (*COMMAND, "oracle", "run", "--name", oracle.name),
            _ready(oracle.host, oracle.port, "https"),
            beside=True,
            authority_file=settings.tls.authority_file,
            preload=_ORACLE,
        )
        for oracle in settings.oracles
        if oracle.is_here
    )
    api = Unit("api", (*COMMAND, "api", "serve"), _ready(settings.api.host, settings.api.port), preload=_API)
    place = _ready(settings.indexer.host, settings.indexer.port)
    indexer = Unit("indexer", (*COMMAND, "indexer", "run"), place, beside=True, preload=_INDEXER)
    return (*((ledger,) if settings.ledger.engine == "embedded" else ()), founding, api, indexer, *oracles)


def _ready(host: str, port: int, scheme: str = "http") -> str:
    """Where a process says with 200 that it can be used."""
    reached = reached_at(host)
    return f"{scheme}://[{reached}]:{port}/ready" if ":" in reached else f"{scheme}://{reached}:{port}/ready"


def reached_at(host: str) -> str:
    """The address at which this machine reaches what listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
