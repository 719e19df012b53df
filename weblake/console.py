"""How the command line shows things: tables and colours on a terminal, plain aligned text in a pipe or a file.

All text may come from somebody's log: what does not print is shown as an escape, and nothing is taken for markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from lake.text import printable

GOOD, BAD, DIM, STRONG = "green", "bold red", "dim", "bold"


class Cell(NamedTuple):
    """A text, and how a terminal shows it."""

    text: str
    style: str = ""


def write(text: str = "", style: str = "") -> None:
    """Write a line to the standard output."""
    line = printable(text)
    if style and sys.stdout.isatty():
        _console().print(line, style=style, markup=False, emoji=False, highlight=False, soft_wrap=True)
    else:
        sys.stdout.write(f"{line}\n")


def write_fields(*fields: str) -> None:
    """Write a line of fields with tabs between them, for programs."""
    sys.stdout.write("\t".join(map(printable, fields)) + "\n")


def note(text: str) -> None:
    """Write a line to the standard error, for what is not part of the answer, such as progress."""
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()


def write_json(content: Any) -> None:
    """Write a value as JSON."""
    sys.stdout.write(json.dumps(content, indent=2, default=str) + "\n")


def write_table(head: Sequence[str], rows: Sequence[Sequence[Cell | str]], title: str = "", right: str = "") -> None:
    """Write a table.

    Args:
        head: The columns' headings.
        rows: The cells.
        title: What stands over it, on a terminal.
        right: A letter a column, ``r`` where it is aligned to the right; columns without a letter are not.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _write_rich_table(head, cells, title, right)
    else:
        sys.stdout.write(plain_table(head, cells, right) + "\n\n")


def plain_table(head: Sequence[str], rows: Sequence[Sequence[Cell]], right: str = "") -> str:
    """Return a table as lines of aligned text."""
    texts = [list(head), *([cell.text for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    sides = right.ljust(len(head))

    def line(row: list[str]) -> str:
        columns = zip(row, widths, sides, strict=True)
        return "  ".join(text.rjust(width) if side == "r" else text.ljust(width) for text, width, side in columns)

    return "\n".join(line(row).rstrip() for row in texts)


def _cell(cell: Cell | str) -> Cell:
    text, style = cell if isinstance(cell, Cell) else (cell, "")
    return Cell(printable(text), style)


def _write_rich_table(head: Sequence[str], rows: Sequence[Sequence[Cell]], title: str, right: str) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.ROUNDED,
        title=title or None,
        title_style="bold",
        title_justify="left",
        border_style="dim",
        pad_edge=True,
    )
    for heading, side in zip(head, right.ljust(len(head)), strict=True):
        table.add_column(heading, justify="right" if side == "r" else "left", header_style="bold cyan", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell.text, style=cell.style) for cell in row))
    _console().print(table)


def _console() -> Any:
    from rich.console import Console

    return Console()


@contextmanager
def activity(text: str) -> Iterator[Any]:
    """Show on a terminal what is going on; yield the function that replaces the text."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(text) as status:
        yield lambda text: status.update(Text(printable(text)))
