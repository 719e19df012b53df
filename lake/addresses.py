"""A client's address within text."""

from __future__ import annotations

import re


def address_pattern(address: str) -> str:
    """Return a regular expression (Java's and Python's) for the address where it stands alone: not in ``1.2.3.45``."""
    if ":" in address:
        return f"(?i)(?<![0-9a-f:]){re.escape(address)}(?![0-9a-f:])"
    return rf"(?<![0-9])(?<![0-9]\.){re.escape(address)}(?![0-9])(?!\.[0-9])"
