"""The edition of the counts: the measures, dimensions and rules by which the ledger was counted.

The ledger's table property ``weblake.edition`` holds it. If today's code counts by another edition, new events are
counted by the new one at once, and one replay of everything brings the past into line.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from lake.contracts.columns import names
from lake.contracts.ledger import DIMENSIONS, MEASURES
from lake.contracts.vocabulary import EARLIEST_EVENT, READING
from lake.errors import RulesError, brief
from lake.rules_file import read_bytes, read_yaml
from lake.settings import AGENTS_FILE, Settings

URL_RULES, RANGES, AGENT_RULES = "urls.yml", "crawler_ranges.csv", "agents.yml"
"""The names of the rules in an edition: those of the files that Weblake ships, whatever the files in use are called."""

EDITION_PROPERTY = "weblake.edition"
OF_READING = "today's reading of records"
FIRST_DAY = dt.datetime.fromisoformat(EARLIEST_EVENT).date()
FIRST_DIMENSIONS = ("all", "action", "product", "client")
"""The dimensions of ledgers that were made before editions were written down."""


@dataclass(frozen=True)
class Edition:
    """Names of measures and dimensions, a hash of the URL rules, the address ranges and the agent rules, and a number.

    ``reading`` is the number of the way in which records were read: see ``vocabulary.READING``.
    """

    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    rules: Mapping[str, str] = field(default_factory=dict)
    reading: int = 1

    @classmethod
    def of_today(cls, settings: Settings) -> Edition:
        """Return the edition by which today's code and rules count. Comments in YAML do not change it.

        Raises:
            RulesError: a file of rules cannot be read.
        """
        rules = {
            URL_RULES: _hash(_as_json(settings.rules_file)),
            RANGES: _hash(read_bytes(settings.ranges_file)),
            AGENT_RULES: _hash(_as_json(AGENTS_FILE)),
        }
        return cls(tuple(names(MEASURES)), tuple(DIMENSIONS), rules, READING)

    @classmethod
    def of_columns(cls, columns: Collection[str]) -> Edition:
        """Return the edition of a ledger that has these columns and names none. Its rules are unknown."""
        return cls(tuple(name for name in names(MEASURES) if name in columns), FIRST_DIMENSIONS)

    @classmethod
    def parse(cls, text: str) -> Edition:
        """Read the property."""
        content = json.loads(text)
        return cls(
            tuple(content["measures"]),
            tuple(content["dimensions"]),
            content.get("rules", {}),
            content.get("reading", 1),
        )

    def as_text(self) -> str:
        """Return the property's value."""
        return json.dumps({**asdict(self), "rules": dict(self.rules)})

    def changes_to(self, later: Edition) -> list[str]:
        """Return in words what is new, gone or different in the later edition; unknown rules are not compared."""
        new = [f"the measure {name}" for name in later.measures if name not in self.measures]
        gone = [f"the measure {name}" for name in self.measures if name not in later.measures]
        new += [f"the dimension {name}" for name in later.dimensions if name not in self.dimensions]
        gone += [f"the dimension {name}" for name in self.dimensions if name not in later.dimensions]
        other = [name for name, text in later.rules.items() if self.rules.get(name, text) != text]
        reading = [OF_READING] if later.reading != self.reading else []
        return new + [f"the removal of {name}" for name in gone] + [f"today's {name}" for name in other] + reading


def replay_advice(changes: Collection[str], first: dt.date, last: dt.date) -> str:
    """Return what to run, in one sentence, if an older edition counted the days ``first`` to ``last``.

    Where records are read in another way, those that were rejected may be of any day up to today.
    """
    if OF_READING in changes:
        first, last = FIRST_DAY, max(last, dt.datetime.now(tz=dt.timezone.utc).date())
    end = last + dt.timedelta(days=1)
    return (
        f"the past was counted without {' and '.join(changes)}: run `make replay FROM={first} TO={end}` once to count "
        "it again"
    )


def _as_json(path: Path) -> bytes:
    try:
        return json.dumps(read_yaml(path), sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RulesError(f"{path} has something that is neither text nor number ({brief(error)}); quote it") from error


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
