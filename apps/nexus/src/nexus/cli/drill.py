"""`oblivion drill`: breaks something on purpose and shows that nothing was lost, doubled or out of order."""

import asyncio
import fcntl
import json
import secrets
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status

from nexus.cli.running import read_running
from nexus.drill.drills import DEFAULT_LOAD, DRILLS, DrillName, Outcome, run_drill
from nexus.drill.live import DrillError, connected
from nexus.kit.logging import configure_logging

LOCK_FILE = "drill.lock"
MAX_SEED = 1_000_000
MAX_LOAD = 200
_BAD_COUNTS = frozenset({"lost", "doubled", "out of order", "stale-epoch writes", "unexpected", "dead"})


class Quiet:
    """Tells nobody."""

    def begin(self, step: str) -> None:
        """Nothing."""

    def detail(self, said: str) -> None:
        """Nothing."""


@dataclass
class Steps:
    """Each step is a line, ticked with its duration when it is over."""

    console: Console
    _step: str = ""
    _began: float = 0.0
    _status: Status | None = field(default=None)

    def begin(self, step: str) -> None:
        """Ticks the step before."""
        self.end("[green]✓[/]")
        self._step, self._began = step, time.monotonic()
        self._status = self.console.status(f"{step} …")
        self._status.start()

    def detail(self, said: str) -> None:
        """Beside the step, as long as it lasts."""
        if self._status is not None:
            self._status.update(f"{self._step} … [dim]{said}[/]")

    def end(self, mark: str) -> None:
        """Ends the last step."""
        if self._status is not None:
            self._status.stop()
            self.console.print(f"{mark} {self._step} [dim]{time.monotonic() - self._began:.1f} s[/]")
        self._status = None


def drill(
    name: Annotated[DrillName, typer.Argument(help="What to break.")],
    seed: Annotated[int | None, typer.Option(help="Chooses when and where; give a run's seed to replay it.")] = None,
    load: Annotated[int, typer.Option(min=1, max=MAX_LOAD, help="Messages in each direction.")] = DEFAULT_LOAD,
    home: Annotated[Path, typer.Option(help="The directory of the `oblivion up` that is to be drilled.")] = Path(
        ".oblivion"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")] = False,
) -> None:
    """Breaks something in a running `oblivion up` while messages flow, and judges what became of each.

    It needs an `oblivion up` in this directory, takes one to two minutes, and takes every fault back. Exit
    code 0: nothing was lost, doubled or out of order. 1: something was, or the drill could not run.
    """
    configure_logging("console", level="CRITICAL")
    console = Console(highlight=False, soft_wrap=True)
    used_seed = secrets.randbelow(MAX_SEED) if seed is None else seed
    steps = Steps(console)
    try:
        with _only_one(home):
            if not as_json:
                console.print(f"[bold]Drill {name}[/]: {DRILLS[name].fault}. Seed {used_seed}.\n")
            outcome = asyncio.run(_run(home, name, used_seed, load, Quiet() if as_json else steps))
    except DrillError as error:
        steps.end("[red]✗[/]")
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]oblivion:[/] {error}")
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        steps.end("[yellow]-[/]")
        console.print("Stopped. Every fault was taken back.", style="yellow")
        raise typer.Exit(130) from None
    steps.end("[green]✓[/]")
    if as_json:
        typer.echo(json.dumps(_document(outcome), indent=2))
    else:
        _show(console, outcome)
    raise typer.Exit(0 if outcome.passed else 1)


async def _run(home: Path, name: DrillName, seed: int, load: int, progress: Quiet | Steps) -> Outcome:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    running = read_running(home)
    async with connected(running.addresses, lambda: read_running(home).pids) as live:
        return await run_drill(live, name, seed=seed, load=load, progress=progress)


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        **outcome.report.as_json(),
        "recovery_is": outcome.recovery,
        "passed": outcome.passed,
        "failures": list(outcome.failures),
    }


def _show(console: Console, outcome: Outcome) -> None:
    report = outcome.report
    lines = [("Faults", " · ".join(f"{what} x {count}" for what, count in report.faults.items()) or "none")]
    counts = [
        f"[red]{name} {count}[/]" if count and name in _BAD_COUNTS else f"{name} {count}"
        for name, count in report.counts.items()
    ]
    lines += [("Messages", " · ".join(counts[:4])), ("Promise", " · ".join(counts[4:]))]
    if report.recovery:
        p50, p99 = report.recovery_p50_seconds, report.recovery_p99_seconds
        lines.append(("Recovery", f"p50 {p50:.2f} s · p99 {p99:.2f} s, {outcome.recovery}"))
    else:
        lines.append(("Recovery", f"nothing to measure ({outcome.recovery})"))
    lines.append(("Figures", " · ".join(f"{name} {value}" for name, value in report.figures.items())))
    console.print()
    for title, said in lines:
        console.print(f"  {title:<10} {said}")
    console.print()
    if outcome.passed:
        console.print(f"[bold green]PASSED[/] {report.name}, seed {report.seed}")
        return
    console.print(f"[bold red]FAILED[/] {report.name}, seed {report.seed}")
    for failure in outcome.failures:
        console.print(f"  - {failure}")
    for kind, keys in _wrong_keys(outcome):
        console.print(f"    {kind}: {', '.join(keys)}")
    console.print(f"Replay it: [bold]oblivion drill {report.name} --seed {report.seed}[/]")


def _wrong_keys(outcome: Outcome) -> list[tuple[str, list[str]]]:
    verdict = outcome.report.verdict
    found: list[tuple[str, list[str]]] = [
        ("lost", list(verdict.lost)),
        ("doubled", list(verdict.doubled)),
        ("out of order", [f"{older} after {younger}" for older, younger in verdict.inversions]),
        ("stale-epoch writes", list(verdict.stale_commits)),
        ("unexpected", list(verdict.unexpected)),
        ("dead", list(verdict.dead)),
    ]
    return [(kind, keys) for kind, keys in found if keys]


@contextmanager
def _only_one(home: Path) -> Generator[None]:
    """Two drills at a time would take each other's faults for their own."""
    read_running(home)
    with (home / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DrillError("Another drill runs against this `oblivion up`. Wait until it is over.") from None
        yield
