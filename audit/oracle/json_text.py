"""JSON as records write it, read in plain Python: numbers stay as they were written."""

from __future__ import annotations

import json
import re
from typing import Any

WHITE = " \t\r\n"
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which JSON can escape and UTF-8 has no bytes for
BETWEEN = re.compile(r"\}[ \t\r\n]*(?:,[ \t\r\n]*)?\{")


class Number(str):
    """A number of a JSON text, as it was written."""

    @property
    def is_fraction(self) -> bool:
        """Whether it has a point or an exponent: Spark writes such a number as Java does."""
        return not self.lstrip("-").isdigit()


def object_of(text: str) -> tuple[dict[str, Any] | None, str]:
    """Return the object that a text begins with, and what stands behind it; no object for a text that is no JSON."""
    try:
        value, end = _decoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, text
    return (value, text[end:].strip(WHITE)) if isinstance(value, dict) else (None, text)


def are_objects(text: str) -> bool:
    """Say whether a text is several objects, with or without commas between them."""
    try:
        parts = _decoder().decode(f"[{BETWEEN.sub('},{', text)}]")
    except (ValueError, RecursionError):
        return False
    return len(parts) > 1 and all(isinstance(part, dict) for part in parts)


def is_array(text: str) -> bool:
    """Say whether a text begins with a JSON array that has something in it."""
    try:
        return text.startswith("[") and bool(_decoder().raw_decode(text)[0])
    except (ValueError, RecursionError):
        return False


def text_of(value: Any) -> str | None:
    """Return a JSON value as text, half characters as ``?``; an object or a list as itself in JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return SURROGATE.sub("?", value)
    return json.dumps(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)
