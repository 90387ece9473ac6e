"""`cangdan up`, `down` and `status`: the processes of this member under their supervisor."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.home import read_settings
from api.cli.output import CommandError, JsonOption, answer, note, progress, show
from ledger_node.files import make_folder

if TYPE_CHECKING:
    from api.cli.index_state import IndexState
    from api.settings import Settings
    from api.supervisor.units import Report

ForegroundOption = Annotated[
    bool, typer.Option("--foreground", help="Stay, and stop with SIGTERM: for containers and systemd. Loads no packs.")
]


ScenariosOption = Annotated[
    bool | None,
    typer.Option(help="Load the packs that show the product, each once; by default on the embedded ledger alone."),
]


def up(foreground: ForegroundOption = False, scenarios: ScenariosOption = None, as_json: JsonOption = False) -> None:
    """Start ledger, oracles, indexer and API, wait until they are ready, and go on in the background.

    When they run already this changes nothing. Then load scenario packs and say where to look.
    """
    from api.cli import welcome

    home, settings = read_settings()
    make_folder(home, 0o700)
    if foreground:
        _supervise(home, settings)
        return
    report = _start(home, settings)
    tell_founding(report)
    wanted = settings.ledger.engine == "embedded" if scenarios is None else scenarios
    loaded = not wanted or welcome.load_packs(home, again=bool(scenarios))
    console, packs = settings.api.public_url, welcome.packs(home)
    result = {**_result(home, report), "console": console, "scenarios": packs}
    show(result, as_json=as_json, text=lambda: _table(home, report) + "\n" + welcome.text(home, console))
    answer(loaded)


def down(as_json: JsonOption = False) -> None:
    """Stop what `cangdan up` has started; all state stays."""
    from api.runner.kept import lock_of_loader
    from api.stack import units
    from api.supervisor import lockfile
    from api.supervisor.control import ControlError, stop

    home, settings = read_settings()
    lockfile.end_group(lock_of_loader(home), settings.supervisor.stop_seconds)
    try:
        ran = stop(home, [unit.name for unit in units(settings)], settings.supervisor.stop_seconds)
    except ControlError as error:
        raise CommandError(str(error), f"look into {home / 'logs'}") from None
    show({"stopped": ran}, as_json=as_json, text="stopped" if ran else "nothing was running")


def status(as_json: JsonOption = False) -> None:
    """Say what runs, and how far the index is; exit code 0 when everything is ready, else 1."""
    from api.supervisor.control import status as supervisor_status
    from api.supervisor.units import Phase

    home, settings = read_settings()
    report = supervisor_status(home)
    index = _index(settings) if any(unit.name == "indexer" and unit.pid for unit in report.units) else None
    result = {**_result(home, report), "index": index}
    line = f"\n  index: {index.text}" if index else ""
    show(result, as_json=as_json, text=lambda: _table(home, report) + line)
    answer(report.phase == Phase.READY and report.ready == len(report.units))


def _index(settings: "Settings") -> "IndexState | None":
    from api.cli.index_state import index_state

    return index_state(settings.indexer.host, settings.indexer.port)


def _supervise(home: Path, settings: "Settings") -> None:
    import os

    from api.stack import units
    from api.supervisor.run import AlreadyRunning, Supervisor, stop_on_signals
    from api.supervisor.units import Phase

    environment = {**os.environ, "CANGDAN_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    supervisor = Supervisor(units(settings), home, settings.supervisor, environment)
    stop_on_signals(supervisor)
    try:
        report = supervisor.run()
    except AlreadyRunning:
        raise CommandError(f"already running in {home}", "stop it with cangdan down") from None
    if report.phase == Phase.FAILED:
        raise CommandError(report.error, f"look into {home / 'logs'}")


def _start(home: Path, settings: "Settings") -> "Report":
    from api.stack import COMMAND, units
    from api.supervisor.control import ControlError, start

    total = len(units(settings))
    with progress("starting") as tell:
        try:
            return start(
                home,
                (*COMMAND, "--home", str(home), "up", "--foreground"),
                lambda report: tell(report.ready, total, _next(report)),
            )
        except ControlError as error:
            note(f"logs: {home / 'logs'}")
            raise CommandError(str(error).removeprefix("cangdan: ")) from None


def tell_founding(report: "Report") -> None:
    """What the last founding said, such as that other oracles are in force than those of the settings."""
    from api.supervisor.logfile import last_line

    for unit in report.units:
        if unit.name == "founding" and (said := last_line(Path(unit.log))):
            note(f"founding: {said}")


def _next(report: "Report") -> str:
    """The unit that is being waited for."""
    return next((unit.name for unit in report.units if unit.state == "starting"), "")


def _result(home: Path, report: "Report") -> dict[str, object]:
    return {"home": home, "phase": report.phase, "pid": report.pid, "error": report.error, "units": report.units}


def _table(home: Path, report: "Report") -> str:
    lines = [f"{report.phase}  {home}" + (f"  ({report.error})" if report.error else "")]
    lines += [
        f"  {unit.name:<12} {unit.state:<11} pid {unit.pid or '-':<8} restarts {unit.restarts}" for unit in report.units
    ]
    return "\n".join(lines)
