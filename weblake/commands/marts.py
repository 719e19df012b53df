"""The marts: build, test and describe them, and draw the charts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from lake.settings import PROJECT
from weblake.console import activity, note, write
from weblake.process import FAILED, prepare, set_up_log

if TYPE_CHECKING:
    from lake.settings import Settings
    from marts.build import Marts

PANEL = "Marts"

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog="Example: weblake dbt --full-refresh")
def dbt(
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Build everything from the start.")] = False,
) -> int:
    """Bring the marts up to date now."""
    from marts.build import build, building

    settings = prepare()
    with building(settings):
        build(_marts(settings), settings, full_refresh)
    return 0


@app.command("dbt-test", rich_help_panel=PANEL, epilog="Example: weblake dbt-test")
def dbt_test() -> int:
    """Test the marts: their data and their models."""
    from marts.build import building

    settings = prepare()
    started = time.monotonic()
    with building(settings), activity("Testing the marts"):
        number = _marts(settings).test()
    write(f"{number} tests passed in {time.monotonic() - started:.1f} s", "green")
    return 0


@app.command("dbt-docs", rich_help_panel=PANEL, epilog="Example: weblake dbt-docs")
def dbt_docs() -> int:
    """Write the description of the marts as a page for a browser."""
    from marts.build import building

    settings = prepare()
    with building(settings), activity("Describing the marts"):
        page = _marts(settings).docs()
    write(f"open {page} in a browser")
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake charts")
def charts() -> int:
    """Draw the charts now, and print their paths."""
    from viz.draw import draw_all
    from viz.marts import connect

    settings = prepare()
    with activity("Drawing the charts"):
        paths = draw_all(connect(settings), settings.charts)
    for path in paths:
        write(str(path))
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake contracts --check")
def contracts(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 when a file is not as the contract says.")
    ] = False,
) -> int:
    """Write the files of dbt that are made from the contract.

    For developers: lake/contracts is where a measure or a dimension is described.
    """
    from lake.contracts import dbt

    prepare(quiet=True, makes_data=False)
    project = PROJECT / "dbt"
    if not check:
        changed = dbt.write(project)
        for path in changed:
            write(str(path.relative_to(PROJECT)))
        if not changed:
            write("all files are as the contract says")
        return 0
    stale = dbt.stale(project)
    for path in stale:
        note(f"weblake: {path.relative_to(PROJECT)} is not as lake/contracts says; run `make contracts`")
    return FAILED if stale else 0


def _marts(settings: Settings) -> Marts:
    from marts.build import Marts

    set_up_log(settings.log_level)  # dbt has set up one of its own
    return Marts(settings)
