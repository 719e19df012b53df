"""Files of rules: what is in them, and in those that they extend, or an error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lake.errors import RulesError, brief, shown

RULES = Path(__file__).resolve().parent / "rules"
FORMATS_FILE = RULES / "formats.yml"
"""The formats of access logs that Weblake ships."""
AGENTS_FILE = RULES / "agents.yml"
"""Weblake's own rules for user agents; the stream and the audit each read them."""
EXTENDS = "extends"
"""The key under which a file names the one whose rules it adds its own to, by a path from its own folder."""


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


def read_layers(path: Path) -> list[tuple[Path, Any]]:
    """Return the content of a file of rules in YAML, and of those that it extends, each with its path.

    Raises:
        RulesError: a file is missing, is no YAML, or extends what extends itself.
    """
    layers: list[tuple[Path, Any]] = []
    following: Path | None = path
    while following is not None:
        if following.resolve() in (seen.resolve() for seen, _ in layers):
            raise RulesError(f"{path} extends itself by way of {following}; name another file under `{EXTENDS}`")
        content = read_yaml(following)
        layers.append((following, content))
        following = _extended(following, content)
    return layers


def _extended(path: Path, content: Any) -> Path | None:
    if not isinstance(content, dict) or EXTENDS not in content:
        return None
    name = content[EXTENDS]
    if not isinstance(name, str) or not name:
        raise RulesError(f"`{EXTENDS}` in {path} is {shown(name)}; give the path of a file of rules")
    return (path.parent / name).resolve()


def _reason(error: Exception) -> str:
    """Return what is wrong and in which line. The error's own text shows the line, however long that is."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {brief(error.problem or error.context)}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else brief(error)
