"""The part of ``make setup`` that needs the libraries: jars, and the archive of Spark's classes."""

from __future__ import annotations

import psycopg2

from lake.errors import WeblakeError
from lake.settings import Settings
from stack.console import complain, step
from stack.setup.class_archive import has_archive, make_archive
from stack.setup.jars import JAR_SETS, fetch_jars, has_jars


def prepare_jars(settings: Settings) -> None:
    """Fetch the pinned jars and make the archive of Spark's classes, unless they are there.

    Raises:
        WeblakeError: jars cannot be fetched. Without an archive, Spark starts more slowly.
    """
    for jar_set in JAR_SETS:
        if not has_jars(settings.jars, jar_set):
            with step(f"Fetching the jars of {jar_set.name} (once, up to a minute or two)"):
                fetch_jars(settings.jars, jar_set)
    if has_archive(settings):
        return
    try:
        with step("Preparing Spark's classes so that it starts in half the time (once, about a minute)"):
            make_archive(settings)
    except (WeblakeError, psycopg2.Error, OSError) as error:
        complain(f"{error}\nWeblake works without the archive; `make setup` tries again.")
