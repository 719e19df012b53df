"""`.ci/run`, with programs of the test's own in place of make and apt-get."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lake.settings import PROJECT

SCRIPTS = {
    "id": "echo 0",
    "make": "exit 2",
    "apt-get": 'sleep 0.3; echo "$*" >> "$INSTALLED"',
}
"""A root whose make fails at once, while the packages take their time."""


def test_a_run_that_fails_leaves_no_installation_behind_and_keeps_its_exit_code(tmp_path: Path) -> None:
    programs, installed = tmp_path / "programs", tmp_path / "installed"
    programs.mkdir()
    for name in ("bash", "dirname", "sleep"):
        (programs / name).symlink_to(shutil.which(name) or name)
    for name, script in SCRIPTS.items():
        (programs / name).write_text(f"#!{programs / 'bash'}\n{script}\n")
        (programs / name).chmod(0o755)
    environment = {"PATH": str(programs), "INSTALLED": str(installed)}
    done = subprocess.run([programs / "bash", PROJECT / ".ci" / "run"], env=environment, check=False)
    assert done.returncode == 2
    assert [line.split()[0] for line in installed.read_text().splitlines()] == ["update", "install"]
