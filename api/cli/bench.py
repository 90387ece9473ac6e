"""`cangdan bench`: what the parts cost beside the bare operation or a peer, measured here and now."""

import os
import platform
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import WRONG_USE, CommandError, JsonOption, progress, show

if TYPE_CHECKING:
    from benchmarks.result import Result


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(help="ledger, segments, gas, index, long, bundles, headers or outbox; may be given often."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Larger sizes: some fifteen minutes instead of two.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure on this machine, each against the bare operation or a peer in the same run (docs/benchmarks.md).

    Rates vary with what else runs here; the ratios less so. Works in temporary folders, on 127.0.0.1 only, and touches
    no ledger of yours. The exit code is 0 when all was measured, whether or not a goal is met.
    """
    from benchmarks.consortium import BenchmarkError
    from benchmarks.result import FULL, Sizes
    from benchmarks.suite import BENCHMARKS, run_all
    from ledger_node.embedded.errors import LedgerError

    names = list(dict.fromkeys(only or BENCHMARKS))
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise CommandError(f"--only: {unknown[0]} is none of {', '.join(BENCHMARKS)}", code=WRONG_USE)
    before = os.getloadavg()
    try:
        with progress("bench") as report:
            results = list(run_all(FULL if full else Sizes(), names, lambda done, name: report(done, len(names), name)))
    except (BenchmarkError, LedgerError) as error:
        raise CommandError(str(error)) from None
    machine: dict[str, object] = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "loadBefore": round(before[0], 2),
        "loadAfter": round(os.getloadavg()[0], 2),
    }
    told = {"machine": machine, "results": [each.as_json() for each in results]}
    show(told, as_json=as_json, text=lambda: _table(machine, results))


def _table(machine: dict[str, object], results: "list[Result]") -> str:
    lines = [
        f"{machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}; "
        f"load average {machine['loadBefore']} before, {machine['loadAfter']} after"
    ]
    for each in results:
        goal = "" if each.goal is None else f"  goal {each.goal:g}: {'met' if each.met else 'missed'}"
        rate = f"{each.measured:,.4g} {each.unit}" if each.measured < 1000 else f"{each.measured:,.0f} {each.unit}"
        lines.append(f"{each.name:<24}{rate:>26}   ratio {each.ratio:8.3f}{goal}")
        lines.append(f"    {each.what}")
        lines.append(f"    against {each.against}: {each.baseline:,.4g}" if each.baseline < 1000 else
                     f"    against {each.against}: {each.baseline:,.0f}")  # fmt: skip
    return "\n".join(lines)
