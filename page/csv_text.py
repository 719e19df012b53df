"""Tables as CSV that a spreadsheet opens without running anything that stands in it."""

from __future__ import annotations

import csv
import datetime as dt
import io

from page.panel import Table

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula; the last four are the wide ones of East Asia."""


def as_csv(table: Table) -> bytes:
    """Return the table with a line of names; times are UTC, in ISO 8601."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return text.getvalue().encode("utf-8")


def _cell(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return _cell("; ".join(map(str, value)))
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
