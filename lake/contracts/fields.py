"""The fields that a dataclass and a JSON object of another version have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any


def fields_of(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a JSON object that are fields of the dataclass; what a later version wrote is left out."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in content.items() if name in names}
