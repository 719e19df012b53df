"""Installs the pinned libraries into ``.venv``, once per version of ``requirements.lock``, and the program ``weblake``.

Run by ``make setup`` as ``python3 stack/setup/install.py`` with the system's Python: standard library only, and
syntax that Python 3.8 reads.
"""

from __future__ import annotations

import collections
import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LOCK = PROJECT / "requirements.lock"
VENV = PROJECT / ".venv"
STAMP = VENV / "installed.sha256"
PROJECT_FILE = PROJECT / "pyproject.toml"
PROGRAM = VENV / "bin" / "weblake"
PROGRAM_STAMP = VENV / "program.sha256"
PYTHON = VENV / "bin" / "python"


def is_installed() -> bool:
    """Say whether ``.venv`` holds what the lock file names today."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == _hash(LOCK)


def has_program() -> bool:
    """Say whether ``.venv`` has the program ``weblake`` as ``pyproject.toml`` describes it today."""
    return PROGRAM.exists() and PROGRAM_STAMP.exists() and PROGRAM_STAMP.read_text() == _hash(PROJECT_FILE)


def install() -> int:
    """Make ``.venv`` and install the lock file into it, showing progress; return the exit code of what failed, or 0."""
    started = time.monotonic()
    total = len(re.findall(r"^[A-Za-z0-9._-]+==", LOCK.read_text(), flags=re.MULTILINE))
    sys.stdout.write(f"Installing {total} Python libraries into .venv (once; a few minutes)\n")
    sys.stdout.flush()
    usable = PYTHON.exists() and subprocess.call([str(PYTHON), "-c", ""], stderr=subprocess.DEVNULL) == 0
    made = subprocess.call([sys.executable, "-m", "venv", *([] if usable else ["--clear"]), str(VENV)])
    if made:
        return made
    # --no-deps: the lock is complete, and pip before 23.1 asks for hashes of extras that a lock does not name.
    # --no-compile: Python compiles what is imported, which is a small part of it.
    options = ["--no-deps", "--no-compile", "--require-hashes"]
    options += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command = [str(PYTHON), "-m", "pip", "install", *options, "-r", str(LOCK)]
    code = _run_with_progress(command, total, started)
    if code == 0:
        STAMP.write_text(_hash(LOCK))
        sys.stdout.write(f"Installed in {time.monotonic() - started:.0f} s\n")
    return code


def install_program() -> int:
    """Put the program ``weblake`` into ``.venv``; it runs the code of this folder. Return pip's exit code.

    Nothing is fetched: the libraries are there, and so is setuptools, which builds it.
    """
    options = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-input", "--quiet"]
    command = [str(PYTHON), "-m", "pip", "install", *options, "--editable", str(PROJECT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout.decode("utf-8", "replace"))
        sys.stderr.write("weblake could not be installed; the lines above say why. `make setup` tries again.\n")
    else:
        PROGRAM_STAMP.write_text(_hash(PROJECT_FILE))
    return done.returncode


def main() -> int:
    """Install what is missing; return the exit code of what failed, or 0."""
    if not is_installed():
        code = install()
        if code:
            return code
    return 0 if has_program() else install_program()


def _run_with_progress(command: list[str], total: int, started: float) -> int:
    """Run pip; show which library it is at, and on failure its last lines."""
    last: collections.deque[str] = collections.deque(maxlen=30)
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as pip:
        assert pip.stdout is not None
        for raw in iter(pip.stdout.readline, b""):
            line = raw.decode("utf-8", "replace").rstrip()
            last.append(line)
            library = re.match(r"(?:Collecting|Requirement already satisfied:) ([^ ;]+)", line)
            done += bool(library)
            if library and (sys.stdout.isatty() or done % 10 == 0 or done == total):
                _show(f"{done:3d}/{total} {library.group(1)} ({time.monotonic() - started:.0f} s)")
            elif line.startswith(("Building", "Installing")):
                _show(f"{line[:60].rstrip()} ({time.monotonic() - started:.0f} s)")
    if sys.stdout.isatty():
        sys.stdout.write("\n")
    if pip.returncode:
        sys.stderr.write("\n".join(last) + "\npip failed; the lines above say why. `make setup` tries again.\n")
    return pip.returncode


def _show(text: str) -> None:
    sys.stdout.write(f"\r  {text:<78}" if sys.stdout.isatty() else f"  {text}\n")
    sys.stdout.flush()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() + "\n"


if __name__ == "__main__":
    sys.exit(main())
