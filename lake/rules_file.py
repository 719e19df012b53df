"""A file of rules: its content, or an error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lake.errors import RulesError, brief


def read_bytes(path: Path) -> bytes:
    """Return what is in a file of rules.

    Raises:
        RulesError: the file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RulesError(f"cannot read {path} ({error.strerror}); restore the file, or correct its path") from error


def read_yaml(path: Path) -> Any:
    """Return the content of a file of rules in YAML.

    Raises:
        RulesError: the file is missing, is not UTF-8 or is no YAML.
    """
    try:
        return yaml.safe_load(read_bytes(path).decode("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RulesError(f"{path} is not UTF-8 in line {line} ({error.reason}); save it as UTF-8") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2026-02-30
        reason = _reason(error)
        raise RulesError(f"{path} is not YAML: {reason}; correct it, or restore the file that Weblake ships") from error


def _reason(error: Exception) -> str:
    """Return what is wrong and in which line. The error's own text shows the line, however long that is."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {brief(error.problem or error.context)}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else brief(error)
