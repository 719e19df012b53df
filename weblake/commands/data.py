"""Data: send made-up traffic or your own logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lake.text import printable
from weblake.console import BAD, GOOD, note, write
from weblake.process import FAILED, INTERRUPTED, interrupt_on_stop, prepare, stop_event

if TYPE_CHECKING:
    from ingest.import_logs import Outcome, Progress
    from lake.posts import Worker

PANEL = "Data"

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog="Example: weblake generate --rate 500 --seconds 60 --seed 7")
def generate(
    rate: Annotated[float | None, typer.Option(help="Records per second. Default: RATE, or 50.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after this many seconds of traffic.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many records.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Make the same events again. Default: a random seed, which is logged.")
    ] = None,
    bots: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of records by bots. Default: BOTS, or 0.2.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Start of event time, ISO 8601, UTC unless it has an offset. Default: now."),
    ] = None,
    form: Annotated[
        Literal["json", "log"],
        typer.Option("--format", help="json: events, and log lines for the rest. log: access-log lines, with assets."),
    ] = "json",
    truth: Annotated[
        Path | None,
        typer.Option(help="Where to write what each client is. Default: truth/clients.csv in the data folder."),
    ] = None,
) -> int:
    """Make up the traffic of a web shop, people and bots, and send it to Kafka.

    It runs until it is stopped, unless --seconds or --count ends it. The same --seed gives the same events; add
    --start for the same times too.
    """
    from ingest.generator import GeneratorOptions, run_generator
    from weblake.arguments import read_instant, require_positive

    settings = prepare()
    for option, number in (("--rate", rate), ("--seconds", seconds)):
        require_positive(option, number)
    options = GeneratorOptions(
        rate=settings.generate_rate if rate is None else rate,
        bots=settings.generate_bots if bots is None else bots,
        seconds=seconds,
        count=count,
        seed=seed,
        start=None if start is None else read_instant("--start", start),
        form=form,
        truth=truth,
    )
    producer = run_generator(settings, options, stop_event())
    if producer is None:
        return 0
    write(f"{producer.sent:,} records sent, {producer.acknowledged:,} acknowledged")
    missing = producer.sent - producer.acknowledged
    if missing:
        note(f"weblake: {missing:,} records were not acknowledged by Kafka at {settings.kafka_bootstrap_servers}")
    return FAILED if missing else 0


@app.command("import", rich_help_panel=PANEL, epilog="Example: weblake import access.log access.log.1.gz")
def import_(
    file: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Logs, plain or gzipped; - reads standard input.")
    ],
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Give up when Kafka takes nothing for this long.")
    ] = 120.0,
) -> int:
    """Send access logs of nginx or Apache to Kafka, line by line as they are.

    Importing a file again, or a rotated or gzipped copy of it, counts nothing twice.
    """
    from ingest.import_logs import import_files
    from lake.posts import importing
    from lake.reading import require_the_streams_reading
    from stack.servers.stack_env import as_written
    from stack.turns import stopper
    from weblake.arguments import require_positive

    interrupt_on_stop()
    settings = prepare()
    require_positive("--timeout", timeout)
    with ExitStack() as notes:
        if as_written(settings).kafka_bootstrap_servers == settings.kafka_bootstrap_servers:
            require_the_streams_reading(settings)
            notes.enter_context(importing(settings.data, f"`make import` of {', '.join(file)}"))
        progress = notes.enter_context(_progress_bar(file))
        outcome = import_files(file, settings, timeout, progress)
    return _show(outcome, stopper(settings) if outcome.was_interrupted else None)


@contextmanager
def _progress_bar(files: list[str]) -> Iterator[Progress]:
    """Show how much of the files has been read: one bar, on a terminal only."""
    from ingest.import_logs import Progress
    from ingest.log_file import STDIN

    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    sizes = {name: Path(name).stat().st_size for name in files if name != STDIN and Path(name).is_file()}
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task("Importing", total=None if STDIN in files else sum(sizes.values()))
        yield Progress(
            begin=lambda name: bars.update(task, description=f"Importing {printable(Path(name).name)}"),
            advance=lambda size: bars.advance(task, size),
        )


def _show(outcome: Outcome, down: Worker | None = None) -> int:
    write(outcome.summary, BAD if outcome.problems else GOOD)
    for problem in outcome.problems:
        note(f"weblake: {problem}")
    if outcome.was_interrupted:
        if down:
            note(f"weblake: {down} stops the stack")
        note("weblake: import the same files again to go on; no line counts twice")
        return INTERRUPTED
    return FAILED if outcome.problems else 0
