"""Writes the files of dbt that are made from the contract, or compares them with what is there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lake.contracts.dbt import write

LEFT_OUT = shutil.ignore_patterns("target", "logs", "dbt_packages")


def write_files(project: Path) -> list[Path]:
    """Write the files into dbt's project, and return those that changed."""
    return write(project)


def stale_files(project: Path) -> list[Path]:
    """Return the files of dbt's project that are not as the contract says, or missing."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name).resolve() / "dbt"
        shutil.copytree(project, copy, ignore=LEFT_OUT)
        written = [path.resolve().relative_to(copy) for path in write(copy)]
        return [
            project / path
            for path in written
            if not (project / path).exists() or (project / path).read_bytes() != (copy / path).read_bytes()
        ]
