"""Rules: what the URL rules make of a log."""

from __future__ import annotations

from typing import Annotated

import typer

from weblake.commands.data import PANEL
from weblake.commands.options import Json
from weblake.console import activity, note, write_json
from weblake.process import prepare

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
    limit: Annotated[int, typer.Option(min=0, help="How many of the paths that no rule catches to list.")] = 20,
    as_json: Json = False,
) -> int:
    """Show which URL rules catch how much of a log, and what none does.

    It reads the lines as the stream would, sends nothing, and needs no stack.
    """
    from audit.rule_hits import RuleTrial
    from audit.shop_fit import LINES, better_shop
    from ingest.files.content import content_of
    from ingest.files.names import files_of
    from lake.shops import SHIPPED, rules_of
    from lake.url_rules import load_url_rules
    from weblake.show.rules import hits_as_json, show_hits

    settings = prepare(quiet=True)
    rules_file = rules_of(shop, str(SHIPPED)) if shop else settings.rules_file
    trial = RuleTrial(load_url_rules(rules_file))
    first: list[bytes] = []
    with activity("Reading the lines"):
        for name in files_of(file):
            for line in content_of(name, lambda text: note(f"weblake: {text}")):
                trial.take(line)
                if len(first) < LINES:
                    first.append(line)
        fit = better_shop(first, rules_file)
    if as_json:
        write_json(hits_as_json(trial.hits, rules_file, limit, fit))
    else:
        show_hits(trial.hits, rules_file, limit, fit)
    return 0
