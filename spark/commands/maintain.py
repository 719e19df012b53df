"""Maintenance from the command line: ``python -m spark.commands.maintain`` (``make maintain``).

The running stream is asked to do it between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any

from lake.errors import WeblakeError
from lake.requests import MaintenanceRequest, new_id
from lake.settings import load_settings
from spark.commands.ask import carry_out

MIB = 1 << 20


def main() -> int:
    """Have the tables maintained and show their sizes; returns the exit code."""
    argparse.ArgumentParser(prog="make maintain", description=__doc__).parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    said: set[str] = set()

    def show(told: dict[str, Any]) -> None:
        if told["at"] not in said:
            said.add(told["at"])
            sys.stderr.write(f"  {told['at']}\n")

    try:
        outcome = carry_out(load_settings(), MaintenanceRequest(new_id()), show)
    except WeblakeError as error:
        sys.stderr.write(f"weblake: {error}\n")
        return 1
    sys.stdout.write(as_text(outcome["before"], outcome["after"]) + "\n")
    return 0


def as_text(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> str:
    """Return a table of each table's files and MiB, before and after."""
    lines = [f"{'':<8}{'in use before':>24}{'after':>24}{'on disk before':>24}{'after':>24}"]
    for name in before:
        sides = [
            f"{sizes[name][f'{kind}files']:,} files {sizes[name][f'{kind}bytes'] / MIB:,.1f} MiB"
            for kind in ("", "disk_")
            for sizes in (before, after)
        ]
        lines.append(f"{name:<8}" + "".join(f"{side:>24}" for side in sides))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
