"""Maintenance from the command line: ``python -m spark.commands.maintain`` (``make maintain``).

The running stream is asked to do it between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

import argparse
import logging
import sys

from lake.errors import WeblakeError
from lake.requests import MaintenanceAnswer, MaintenanceRequest, Sizes, new_id
from lake.settings import load_settings
from spark.commands.ask import carry_out

MIB = 1 << 20


def main() -> int:
    """Have the tables maintained and show their sizes; returns the exit code."""
    argparse.ArgumentParser(prog="make maintain", description=__doc__).parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    shown: set[str] = set()

    def show(answer: MaintenanceAnswer) -> None:
        if answer.at not in shown:
            shown.add(answer.at)
            sys.stderr.write(f"  {answer.at}\n")

    try:
        outcome = carry_out(load_settings(), MaintenanceRequest(new_id()), MaintenanceAnswer, show)
    except WeblakeError as error:
        sys.stderr.write(f"weblake: {error}\n")
        return 1
    sys.stdout.write(as_text(outcome.before, outcome.after) + "\n")
    return 0


def as_text(before: Sizes, after: Sizes) -> str:
    """Return a table of each table's files and MiB, before and after."""
    lines = [f"{'':<8}{'in use before':>24}{'after':>24}{'on disk before':>24}{'after':>24}"]
    for name in before:
        sides = [
            f"{files:,} files {size / MIB:,.1f} MiB"
            for files, size in (
                (before[name].files, before[name].bytes),
                (after[name].files, after[name].bytes),
                (before[name].disk_files, before[name].disk_bytes),
                (after[name].disk_files, after[name].disk_bytes),
            )
        ]
        lines.append(f"{name:<8}" + "".join(f"{side:>24}" for side in sides))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
