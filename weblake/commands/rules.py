"""Looks at a log before anything is sent: what its formats are, and what the URL rules make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from weblake.commands.data import PANEL
from weblake.commands.options import Json, LogFormatOption, read_log_format
from weblake.console import activity, note, write_json
from weblake.process import FAILED, prepare

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog="Example: weblake rules access.log --shop woocommerce")
def rules(
    file: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Logs, as for import; - reads standard input."),
    ],
    shop: Annotated[
        str, typer.Option(metavar="NAME", help="Try the rules of this shop; none: those for any. Default: SHOP.")
    ] = "",
    log_format: LogFormatOption = "",
    limit: Annotated[int, typer.Option(min=0, help="How many of the paths that no rule catches to list.")] = 20,
    as_json: Json = False,
) -> int:
    """Show which URL rules catch how much of a log, and what none does.

    It reads the lines as the stream would, sends nothing, and needs no stack. It fails if it can read none.
    """
    from audit.rule_hits import RuleTrial
    from audit.shop_fit import LINES, Line, better_shop
    from ingest.files.content import content_of
    from ingest.files.names import files_of
    from lake.formats.w3c import string_for
    from lake.shops import SHIPPED, rules_of
    from lake.url_rules import load_rules, load_url_rules
    from weblake.show.rules import hits_as_json, show_hits

    settings = prepare(quiet=True)
    pasted = read_log_format(log_format)
    rules_file = rules_of(shop, str(SHIPPED)) if shop else settings.rules_file
    trial = RuleTrial(replace(load_rules(settings), rules=load_url_rules(rules_file).rules))
    first: list[Line] = []
    with activity("Reading the lines"):
        for name in files_of(file):
            for line in content_of(name, lambda text: note(f"weblake: {text}")):
                declared = pasted or string_for(*line)
                trial.read(line.value, declared)
                if len(first) < LINES:
                    first.append((line.value, declared))
        fit = better_shop(first, rules_file)
    if as_json:
        write_json(hits_as_json(trial.hits, rules_file, limit, fit))
    else:
        show_hits(trial.hits, rules_file, limit, fit)
    return FAILED if trial.hits.rejected and trial.hits.rejected == trial.hits.lines else 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake formats access.log")
def formats(
    file: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Logs, as for import; - reads standard input."),
    ],
    log_format: LogFormatOption = "",
    source: Annotated[str, typer.Option(metavar="NAME", help="The server whose logs these are, as for import.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="How many lines to show field by field.")] = 5,
    as_json: Json = False,
) -> int:
    """Show how the lines of a log would be read, before you send it.

    That is which formats they have, some lines field by field, what the URL rules catch, and what would be rejected. It
    reads the lines as the stream would, sends nothing, and needs no stack. It fails if it can read none.
    """
    from audit.format_trial import FormatTrial
    from ingest.files.content import content_of
    from ingest.files.names import files_of
    from lake.url_rules import load_rules
    from weblake.show.formats import show_trial, trial_as_json

    settings = prepare(quiet=True)
    trial = FormatTrial(load_rules(settings), read_log_format(log_format), source or None, limit)
    with activity("Reading the lines"):
        for name in files_of(file):
            for line in content_of(name, lambda text: note(f"weblake: {text}")):
                trial.take(*line)
    if as_json:
        write_json(trial_as_json(trial))
    else:
        show_trial(trial, log_format, file)
    return 0 if trial.read else FAILED
