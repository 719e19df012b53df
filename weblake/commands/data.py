"""Data: send made-up traffic or your own logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lake.errors import RulesError, SettingsError
from weblake.commands.options import LogFormatOption, read_log_format
from weblake.console import note, write
from weblake.process import FAILED, INTERRUPTED, interrupt_on_stop, prepare, stop_event

if TYPE_CHECKING:
    from lake.settings import Settings

PANEL = "Data"
WAIT_SECONDS = TIMEOUT_SECONDS = 120.0
REJECT_SHARE = 0.05

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
    incident: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND@START+SECONDS", help="Something goes wrong: outage@120+600 from second 120 on. Repeatable."
        ),
    ] = None,
) -> int:
    """Make up the traffic of a web shop, people and bots, and send it to Kafka.

    It runs until it is stopped, unless --seconds or --count ends it. The same --seed gives the same events; add
    --start for the same times too.
    """
    from ingest.generator import GeneratorOptions, run_generator
    from ingest.shop.incidents import Incident
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
        incidents=tuple(map(Incident.of, incident or ())),
    )
    producer = run_generator(settings, options, stop_event())
    if producer is None:
        return 0
    write(f"{producer.sent:,} records sent, {producer.acknowledged:,} acknowledged")
    missing = producer.sent - producer.acknowledged
    if missing:
        note(f"weblake: {missing:,} records were not acknowledged by Kafka at {settings.kafka_bootstrap_servers}")
    return FAILED if missing else 0


@app.command("import", rich_help_panel=PANEL, epilog="Example: weblake import access.log 'access.log.*.gz'")
def import_(
    file: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Logs, plain, packed or in archives, or patterns in quotes; - reads standard input.",
        ),
    ],
    source: Annotated[
        str, typer.Option(metavar="NAME", help="The server whose logs these are: equal lines of two servers are two.")
    ] = "",
    log_format: LogFormatOption = "",
    again: Annotated[bool, typer.Option("--again", help="Send also what seems to be in the lake already.")] = False,
    unread: Annotated[bool, typer.Option("--unread", help="Send also files that cannot be read.")] = False,
    follow_: Annotated[
        bool,
        typer.Option("--follow", help="Go on with what is written, through rotations, until stopped; for a service."),
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="How long the stream may get no further; 0 does not wait for it. Default: 120.",
        ),
    ] = None,
    reject_share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", min=0, max=1, help="Fail where a larger share of the lines is rejected. Default: 0.05."
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Give up when Kafka takes nothing for this long. Default: 120."),
    ] = None,
) -> int:
    """Send access logs to Kafka, and say what became of their lines.

    The lines are sent as they are, in any of the formats that docs/formats.md lists, which are told apart by
    themselves, or in the one that --log-format describes; `weblake formats` shows how they are read. Importing a file
    again, or a rotated, packed or grown copy of it, counts nothing twice. Logs may be packed by gzip, bzip2, xz, zstd
    or lz4, and lie in tar or zip archives.

    With --follow it sends what is there, and then each line as it is written, until SIGTERM or ^C. It remembers how
    far it is, so start it again with the same files to go on. Packed files are left out.
    """
    if follow_:
        for option, value in (("--wait", wait), ("--reject-share", reject_share), ("--timeout", timeout)):
            if value is not None:
                raise typer.BadParameter(f"--follow waits for as long as it takes, and never ends; leave out {option}")
        return _follow(file, source, read_log_format(log_format), again, unread)
    return _import(
        file,
        source,
        read_log_format(log_format),
        again,
        unread,
        WAIT_SECONDS if wait is None else wait,
        REJECT_SHARE if reject_share is None else reject_share,
        TIMEOUT_SECONDS if timeout is None else timeout,
    )


def _follow(words: list[str], source: str, log_format: str, again: bool, unread: bool) -> int:
    from ingest.connection import connect
    from ingest.files.names import files_of
    from ingest.files.source import STDIN
    from ingest.following.pipe import follow_input
    from ingest.following.run import WHO, FollowOptions, follow_files
    from lake.reading import require_the_streams_reading
    from stack.servers.stack_env import as_written

    settings = prepare()
    if STDIN in words and len(words) > 1:
        raise typer.BadParameter("- is followed alone; follow the files by another command")
    if STDIN in words and again:
        raise typer.BadParameter("the standard input is not looked up before it comes; leave out --again")
    is_ours = as_written(settings).kafka_bootstrap_servers == settings.kafka_bootstrap_servers
    if is_ours:
        require_the_streams_reading(settings)
    stop = stop_event()
    if STDIN in words:
        producer = connect(settings, None, stop, WHO)
        sent = follow_input(producer, source, stop, log_format=log_format) if producer else 0
        if producer:
            producer.close()
    else:
        if not unread:  # it may go on for months, so nothing of that is a reason to stop
            for text in _unreadable(files_of(words), settings, source, log_format):
                note(f"weblake: {text}; its lines are sent all the same, and counted by a replay once they can be read")
        sent = follow_files(words, settings, FollowOptions(source, log_format, again, looks_up=is_ours), stop)
    write(f"{sent:,} lines sent")
    return 0


def _import(
    file: list[str],
    source: str,
    log_format: str,
    again: bool,
    unread: bool,
    wait: float,
    reject_share: float,
    timeout: float,
) -> int:
    from ingest.account import await_account
    from ingest.files.names import files_of
    from ingest.import_logs import ImportOptions, import_files
    from lake.posts import importing
    from lake.reading import require_the_streams_reading
    from stack.servers.stack_env import as_written
    from stack.turns import stopper
    from weblake.arguments import require_positive
    from weblake.show.bars import counting_bar, progress_bar
    from weblake.show.imports import show_account, show_outcome

    interrupt_on_stop()
    settings = prepare()
    require_positive("--timeout", timeout)
    names = files_of(file)
    is_ours = as_written(settings).kafka_bootstrap_servers == settings.kafka_bootstrap_servers
    options = ImportOptions(timeout, source, log_format, again, looks_up=is_ours)
    if not unread:
        _require_readable(names, settings, source, log_format)
    with ExitStack() as sending:
        if is_ours:
            require_the_streams_reading(settings)
            sending.enter_context(importing(settings.data, f"`make import` of {', '.join(file)}"))
        outcome = import_files(names, settings, options, sending.enter_context(progress_bar(names)))
    code = show_outcome(outcome, stopper(settings) if outcome.was_interrupted else None)
    if is_ours and not outcome.was_interrupted:
        _name_a_better_shop(names, settings, log_format)
    if not is_ours:
        note(f"weblake: the lines went to another Kafka than that of {settings.data}; `make status` there says more")
    if not wait or not is_ours or not outcome.stored.number or outcome.was_interrupted:
        return code
    try:
        with counting_bar() as show:
            account = await_account(settings, outcome.stored, outcome.logs, wait, show)
    except KeyboardInterrupt:
        note("weblake: the lines are in Kafka; `make status` shows how far the stream is")
        return INTERRUPTED
    return show_account(account, reject_share) or code


def _require_readable(names: list[str], settings: Settings, source: str, log_format: str) -> None:
    """Refuse a file of whose first lines none can be read: most likely somebody has to say how they are written.

    Raises:
        SettingsError: there is such a file; nothing was sent.
    """
    for text in _unreadable(names, settings, source, log_format):
        raise SettingsError(
            f"{text}\n  Nothing was sent. UNREAD=1 sends the lines all the same: they are kept in bronze, and a replay "
            "counts what can be read then"
        )


def _unreadable(names: list[str], settings: Settings, source: str, log_format: str) -> Iterator[str]:
    """Yield, for each file of whose first lines none can be read, that it is so and what to do."""
    from audit.format_trial import HEAD_LINES, unread_head
    from ingest.files.content import first_lines
    from lake.formats.known import load_formats
    from lake.url_rules import UrlRules
    from weblake.show.formats import how_to_declare

    formats = load_formats(settings.formats_file)
    rules = UrlRules((), (), settings.future_seconds, settings.log_timezone, formats=formats)  # URLs matter not here
    for name in names:
        trial = unread_head(first_lines([name], HEAD_LINES), rules, log_format, source)
        if trial:
            reason, texts = next(iter(trial.by_reason)), "\n  ".join(how_to_declare(trial, [name]))
            yield f"none of the first {trial.lines:,} lines of {name} can be read ({reason})\n  {texts}"


def _name_a_better_shop(names: list[str], settings: Settings, log_format: str) -> None:
    """Say which shop's URLs the files have, if its rules would see clearly more in them than those in force."""
    from audit.shop_fit import LINES, better_shop
    from ingest.files.content import first_lines
    from lake.formats.w3c import string_for

    with suppress(RulesError):  # `make status` says so
        lines = [(line.value, log_format or string_for(*line)) for line in first_lines(names, LINES)]
        fit = better_shop(lines, settings.rules_file)
        if fit:
            note(f"weblake: {fit}")
