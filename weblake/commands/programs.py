"""The programs of the stack, each as ``weblake run NAME``: in the foreground, until it is told to stop."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from enum import Enum
from typing import Annotated

import typer

from lake.settings import PROJECT, Settings
from weblake.process import on_stop, prepare, set_up_log, stop_event

PANEL = "Stack"

app = typer.Typer()


class Name(str, Enum):
    """The programs that the supervisor and Docker start."""

    KAFKA = "kafka"
    POSTGRES = "postgres"
    STREAM = "stream"
    MARTS = "marts"
    CHARTS = "charts"
    GENERATOR = "generator"
    WATCH = "watch"
    PAGE = "page"


@app.command(rich_help_panel=PANEL, epilog="Example: weblake run stream --once")
def run(
    name: Annotated[Name, typer.Argument(metavar="NAME", help="The program.")],
    once: Annotated[
        bool, typer.Option("--once", help="For stream only: bring what Kafka holds now to PostgreSQL, and end.")
    ] = False,
) -> int:
    """Run one program of the stack in the foreground.

    It first waits for what the program needs. Supervisor and Docker use it.
    """
    if once and name is not Name.STREAM:
        raise typer.BadParameter(f"--once is for stream only, not for {name.value}")
    settings = prepare()
    os.chdir(PROJECT)
    if name is Name.STREAM:
        _run_stream(settings, once)
        return 0
    programs: dict[Name, Callable[[Settings], None]] = {
        Name.KAFKA: _become_server("kafka"),
        Name.POSTGRES: _become_server("postgres"),
        Name.MARTS: _run_marts,
        Name.CHARTS: _run_charts,
        Name.GENERATOR: _run_generator,
        Name.WATCH: _run_watch,
        Name.PAGE: _run_page,
    }
    programs[name](settings)
    return 0


def _become_server(name: str) -> Callable[[Settings], None]:
    def become(settings: Settings) -> None:
        from stack.programs import become_server

        become_server(name, settings)

    return become


def _run_stream(settings: Settings, once: bool) -> None:
    from spark.commands.stream import run_stream
    from stack.programs import wait_for_topic
    from stack.servers.reserve import wait_for_room

    on_stop(lambda: sys.exit(0))  # until there is a pipeline that has something to finish
    wait_for_room(settings, "stream")
    wait_for_topic(settings)
    run_stream(settings, "once" if once else "run", on_stop)


def _run_marts(settings: Settings) -> None:
    from stack.programs import wait_for_marts

    wait_for_marts(settings)
    from marts.build import Marts
    from marts.loop import run_loop
    from stack.access.guard import keep_watch

    set_up_log(settings.log_level)  # dbt has set up one of its own
    stop = stop_event()
    threading.Thread(name="guard", target=keep_watch, args=(settings, stop), daemon=True).start()
    run_loop(Marts(settings), settings, stop)


def _run_charts(settings: Settings) -> None:
    from stack.programs import wait_for_charts
    from viz.draw import draw_every
    from viz.marts import connect

    wait_for_charts(settings)
    draw_every(settings.charts_seconds, connect(settings), settings, stop_event())


def _run_page(settings: Settings) -> None:
    from page.server import serve

    on_stop(lambda: sys.exit(0))  # until the server is up, which ends by itself
    serve(settings)


def _run_generator(settings: Settings) -> None:
    from ingest.generator import GeneratorOptions, run_generator

    run_generator(settings, GeneratorOptions(settings.generate_rate, settings.generate_bots), stop_event())


def _run_watch(settings: Settings) -> None:
    from stack.health.lookout import keep_lookout
    from stack.metrics.exporter import Exporter
    from stack.metrics.server import keep_serving
    from stack.verification import keep_verifying
    from watch.loop import keep_alerts
    from weblake import __version__

    stop, exporter = stop_event(), Exporter(settings, __version__)
    threading.Thread(name="metrics", target=keep_serving, args=(settings, exporter, stop), daemon=True).start()
    threads = [
        threading.Thread(name="alerts", target=keep_alerts, args=(settings, stop), daemon=True),
        threading.Thread(name="verify", target=keep_verifying, args=(settings, stop, exporter.seen)),
    ]
    for thread in threads:
        thread.start()
    keep_lookout(settings, stop, exporter.show)
    for thread in threads:
        thread.join()
