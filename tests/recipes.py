"""The recipes of ``docs/shippers.md``, with a test's folder and broker in the places of the document's."""

from __future__ import annotations

import re
from pathlib import Path

from lake.settings import PROJECT, Settings

PAGE = PROJECT / "docs" / "shippers.md"
BROKER = "127.0.0.1:9092"
LOG = "/var/log/nginx/access.log"
STATE = "/var/spool/rsyslog/"


def blocks(heading: str) -> list[str]:
    """Return the blocks of code below a heading, as they are."""
    _, _, rest = PAGE.read_text().partition(f"\n## {heading}\n")
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```[\w-]+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def fitted(recipe: str, log: Path, settings: Settings) -> str:
    """Return a recipe that reads the log, sends to the broker of the settings, and keeps its notes beside the log.

    All else stays as the document has it.
    """
    assert LOG in recipe
    assert BROKER in recipe
    own = {LOG: str(log), BROKER: settings.kafka_bootstrap_servers, STATE: f"{log.parent}/"}
    for theirs, ours in own.items():
        recipe = recipe.replace(theirs, ours)
    return recipe
