"""What a fresh machine needs before anything else: Python 3.10+, its venv module, Java 17+.

Run by ``make setup`` as ``python3 stack/setup/prerequisites.py`` with whatever Python the system has, so: standard
library only, and syntax that Python 3.8 reads.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

MIN_PYTHON = (3, 10)
MIN_JAVA = 17

PYTHON_HELP = "Debian, Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python@3.12"
PYTHON_HELP += "; or name another one: make up PYTHON=python3.12"
VENV_HELP = "Debian, Ubuntu: sudo apt install python3-venv"
JAVA_HELP = (
    "Debian, Ubuntu: sudo apt install openjdk-17-jre-headless; Fedora: sudo dnf install java-21-openjdk-headless"
)
JAVA_HELP += "; macOS: brew install openjdk@17, and put it on the PATH"


def java_version(text: str) -> int | None:
    """Return the major version that ``java -version`` states (``1.8.0_292`` is 8), or None."""
    match = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if not match:
        return None
    major = int(match.group(1))
    return int(match.group(2)) if major == 1 and match.group(2) else major


def missing() -> list[str]:
    """Return one sentence for each thing that is missing, with how to install it."""
    problems = []
    if sys.version_info < MIN_PYTHON:
        have = ".".join(str(part) for part in sys.version_info[:2])
        problems.append(f"Python 3.10 or newer is needed; this one is {have}. {PYTHON_HELP}")
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        problems.append(f"Python's venv module is missing. {VENV_HELP}")
    java = shutil.which("java")
    if java is None:
        problems.append(f"Java {MIN_JAVA} or newer is needed; there is no `java` on the PATH. {JAVA_HELP}")
        return problems
    command = [java, "-XX:-UsePerfData", "-version"]  # or it leaves a folder in /tmp
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = answer.stdout.decode("utf-8", "replace")
    version = java_version(text)
    if version is None:
        problems.append("`java -version` fails: {}. {}".format(text.strip()[:200] or "it says nothing", JAVA_HELP))
    elif version < MIN_JAVA:
        problems.append(f"Java {MIN_JAVA} or newer is needed; `java` is {version}. {JAVA_HELP}")
    return problems


def main() -> int:
    """Print what is missing; return 1 when something is."""
    problems = missing()
    for problem in problems:
        sys.stderr.write(f"missing: {problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
