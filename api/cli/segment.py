"""`cangdan segment`: says of any file whether it is a segment that would be accepted, and if not, why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.home import read_settings
from api.cli.output import WRONG_USE, CommandError, JsonOption, answer, show

if TYPE_CHECKING:
    from oracle.check import Verdict

app = typer.Typer(help="Segments: what devices sign.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def options() -> None:
    """Segments: what devices sign."""


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="The file to check; any bytes.", exists=True, dir_okay=False)],
    fleet: Annotated[Path | None, typer.Option(help="Fleet file of the device; without it a running oracle.")] = None,
    profile: Annotated[list[Path] | None, typer.Option(help="Profile file; may be given often.")] = None,
    chain_id: Annotated[int | None, typer.Option(help="Chain that the segment is for; with --fleet.")] = None,
    registry: Annotated[str | None, typer.Option(help="Address of the DeviceRegistry; with --fleet.")] = None,
    arrived_ms: Annotated[int | None, typer.Option(help="Arrival, ms since 1970; now when not given.")] = None,
    oracle: Annotated[str | None, typer.Option(help="URL of a running oracle; the settings' first one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check one file: {accepted, reason}. Exit code 0 when it would be accepted, 1 when not.

    By a fleet file sequence and chain are not checked, as they need a log, and times and channels only with the
    device's profile; by a running oracle everything is. Nothing is counted or kept. Reasons: docs/formats/segment.md.
    """
    from oracle.formats.segment import MAX_SEGMENT

    with file.open("rb") as stream:
        raw = stream.read(MAX_SEGMENT + 1)
    if fleet is None:
        if profile or chain_id is not None or registry is not None or arrived_ms is not None:
            raise CommandError("--profile, --chain-id, --registry and --arrived-ms go with --fleet", code=WRONG_USE)
        verdict = _by_oracle(raw, oracle)
    else:
        if chain_id is None or registry is None or oracle is not None:
            raise CommandError("--fleet needs --chain-id and --registry, and no --oracle", code=WRONG_USE)
        verdict = _by_file(raw, fleet, profile or [], (chain_id, registry), arrived_ms)
    told = "accepted" if verdict.accepted else f"refused, {verdict.reason}: {verdict.detail}"
    show(verdict.as_json(), as_json=as_json, text=told)
    answer(verdict.accepted)


def _by_file(
    raw: bytes, fleet: Path, profiles: list[Path], where: tuple[int, str], arrived_ms: int | None
) -> "Verdict":
    from ledger_node.hexvalues import HexError, read_address
    from oracle.check import check_segment
    from oracle.clock import SystemClock
    from oracle.formats.fields import FieldError
    from oracle.formats.fleet import load_fleet
    from oracle.formats.profile import load_profile
    from oracle.formats.segment import Context

    try:
        context = Context(where[0], read_address("--registry", where[1]))
        known = load_fleet(fleet.read_bytes())
        loaded = [load_profile(each.read_bytes()) for each in profiles]
    except (HexError, FieldError, ValueError) as error:
        raise CommandError(str(error), "docs/formats/fleet.md and profile.md have the form", WRONG_USE) from None
    arrived_ms = SystemClock().now_ms() if arrived_ms is None else arrived_ms
    return check_segment(raw, known, context, profiles=loaded, arrived_ms=arrived_ms)


def _by_oracle(raw: bytes, url: str | None) -> "Verdict":
    import httpx

    from ledger_node import canonical_json
    from oracle.check import Verdict
    from oracle.formats.fields import FieldError, Fields
    from oracle.formats.reasons import Reason
    from oracle.tls import TlsError, trusting

    settings = read_settings()[1]
    url = settings.oracles[0].url if url is None else url
    try:
        with httpx.Client(verify=trusting(settings.tls.authority_file), timeout=30) as client:
            response = client.post(f"{url}/v1/check", content=raw, headers={"content-type": "application/cose"})
        fields = Fields(canonical_json.loads(response.content), "answer")
        accepted, detail = fields.flag("accepted"), fields.text("detail", 1000, empty=True)
        reason = None if accepted else fields.word("reason", Reason, [each.value for each in Reason])
    except (httpx.HTTPError, httpx.InvalidURL, TlsError, FieldError, canonical_json.JsonError) as error:
        raise CommandError(
            f"oracle {url} gave no verdict: {error}", "start it with cangdan up, or give --fleet"
        ) from None
    return Verdict(accepted, reason, detail)
