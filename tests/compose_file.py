"""docker-compose.yml, as compose sees it when nothing is set."""

from __future__ import annotations

import re
from typing import Any, cast

import yaml

from lake.settings import PROJECT

VARIABLE = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")


def compose_text() -> str:
    return (PROJECT / "docker-compose.yml").read_text()


def compose() -> dict[str, Any]:
    """The file with every variable at its default."""
    filled = VARIABLE.sub(lambda match: match[2], compose_text())
    return cast("dict[str, Any]", yaml.safe_load(filled))


def services() -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", compose()["services"])
