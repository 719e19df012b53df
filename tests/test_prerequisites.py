"""What `make setup` asks of a fresh machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lake.settings import PROJECT
from stack.setup.prerequisites import java_version


@pytest.mark.parametrize(
    ("said", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_292"', 8),
        ("no such thing", None),
    ],
)
def test_the_java_version_is_read_from_what_java_says(said: str, major: int | None) -> None:
    assert java_version(said) == major


@pytest.mark.parametrize("script", ["prerequisites.py", "install.py"])
def test_what_runs_before_the_installation_needs_the_standard_library_alone(script: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(PROJECT / 'stack' / 'setup')!r}); import {script.removesuffix('.py')}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, cwd="/")
