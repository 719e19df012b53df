"""Programs of Debian packages that cannot be installed, because they exclude what is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def unpacked(folder: Path, *packages: str) -> Path:
    """Fetch packages, and those that they need and that are missing, and unpack them into a folder.

    Skips the test, and says why, where apt-get cannot fetch them.
    """
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip(f"only root on Debian can fetch {', '.join(packages)}")
    (folder / "partial").mkdir(parents=True)
    options = ["--yes", "--download-only", "--no-install-recommends", "-o", f"Dir::Cache::archives={folder}"]
    fetched = subprocess.run(["apt-get", "install", *options, *packages], capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.deb"))
    if fetched.returncode != 0 or not archives:
        pytest.skip(f"apt-get cannot fetch {', '.join(packages)}: {fetched.stderr.strip()[-200:]}")
    for archive in archives:
        subprocess.run(["dpkg", "-x", archive, folder / "root"], check=True)
    return folder / "root"


def library_path(root: Path) -> str:
    """Return where programs that were unpacked find their libraries."""
    return ":".join(sorted({str(library.parent) for library in root.rglob("lib*.so*")}))
