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
from typing import Any

from lake.contracts.columns import names
from lake.contracts.ledger import LEDGER_DIMENSIONS, MEASURES
from lake.contracts.vocabulary import EARLIEST_EVENT, MOST_SHIFT, READING
from lake.errors import RulesError, brief
from lake.proxies import NAME as PROXIES
from lake.proxies import with_lists
from lake.rules_file import AGENTS_FILE, EXTENDS, read_bytes, read_layers, read_yaml
from lake.settings import Settings, by_name

URL_RULES, FORMATS, RANGES, AGENT_RULES = "urls.yml", "formats.yml", "crawler_ranges.csv", "agents.yml"
"""The names of the rules in an edition: those of the files that Weblake ships, whatever the files in use are called."""

ZONE, AHEAD = "LOG_TIMEZONE", "FUTURE_SECONDS"
READING_SETTINGS = (ZONE, AHEAD, "TRUSTED_PROXIES", "SHOP")
"""The settings that change how a line is read, by the names that :func:`lake.settings.by_name` gives them."""

UTC = "UTC"
EDITION_PROPERTY = "weblake.edition"
ZONES_PROPERTY = "weblake.zones"
"""A property that bronze has, and keeps, once times in it may have been read by another zone than UTC."""
DAY_SECONDS = 86_400
FIRST_DAY = dt.datetime.fromisoformat(EARLIEST_EVENT).date()
FIRST_DIMENSIONS = ("all", "action", "product", "client")
"""The dimensions of ledgers that were made before editions were written down."""


@dataclass(frozen=True)
class Edition:
    """Names of measures and dimensions, hashes of rules, formats and address ranges, and the way of reading.

    That is the settings that change how a line is read, and ``reading``, the number of the way in which records were
    read: see ``vocabulary.READING``.
    """

    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    rules: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    reading: int = 1

    @classmethod
    def of_today(cls, settings: Settings) -> Edition:
        """Return the edition by which today's code and rules count. Comments in YAML do not change it.

        Raises:
            RulesError: a file of rules cannot be read.
        """
        rules = {
            URL_RULES: _hash(_as_json(settings.rules_file, _with_extended(settings.rules_file))),
            FORMATS: _hash(_as_json(settings.formats_file, _with_extended(settings.formats_file))),
            RANGES: _hash(read_bytes(settings.ranges_file)),
            AGENT_RULES: _hash(_as_json(AGENTS_FILE, read_yaml(AGENTS_FILE))),
        }
        return cls(tuple(names(MEASURES)), tuple(LEDGER_DIMENSIONS), rules, _reading(settings), READING)

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
            content.get("settings", {}),
            content.get("reading", 1),
        )

    def as_text(self) -> str:
        """Return the property's value."""
        return json.dumps({**asdict(self), "rules": dict(self.rules), "settings": dict(self.settings)})

    @property
    def reads_by(self) -> dict[str, str]:
        """What changes how a line is read: the URL rules and the formats, by their hashes, and settings."""
        return {name: text for name, text in self.rules.items() if name in (URL_RULES, FORMATS)} | dict(self.settings)

    @property
    def days_ahead(self) -> dt.timedelta:
        """The days, begun ones too, by which a record's time may be ahead of its coming; none where that is unknown."""
        return dt.timedelta(days=-(-int(self.settings.get(AHEAD, 0)) // DAY_SECONDS))

    def settings_since(self, earlier: Edition) -> dict[str, str]:
        """Return the settings that are others than in the earlier edition, of those that it knows."""
        return {name: text for name, text in self.settings.items() if earlier.settings.get(name, text) != text}

    def changes_to(self, later: Edition) -> list[str]:
        """Return in words what is new, gone or different in the later edition.

        Rules and settings that are unknown are not compared.
        """
        new = [f"the measure {name}" for name in later.measures if name not in self.measures]
        gone = [f"the measure {name}" for name in self.measures if name not in later.measures]
        new += [f"the dimension {name}" for name in later.dimensions if name not in self.dimensions]
        gone += [f"the dimension {name}" for name in self.dimensions if name not in later.dimensions]
        other = [name for name, text in later.rules.items() if self.rules.get(name, text) != text]
        return [
            *new,
            *(f"the removal of {name}" for name in gone),
            *(f"today's {name}" for name in other),
            *(f"today's setting {name}={text}" for name, text in later.settings_since(self).items()),
            *(["today's reading of records"] if later.reading != self.reading else []),
        ]


def reading_settings(settings: Settings) -> dict[str, str]:
    """Return the settings that change how a line is read, by name."""
    values = by_name(settings)
    return {name: values[name] for name in READING_SETTINGS if name in values}


def _reading(settings: Settings) -> dict[str, str]:
    """Return these settings with what they refer to."""
    values = reading_settings(settings)
    return values | {name: with_lists(text) for name, text in values.items() if name == PROXIES}


def replay_advice(
    counted: Edition, today: Edition, first: dt.date, last: dt.date, replayable: dt.date | None = None
) -> str:
    """Return what to run, in one sentence, if another edition than today's counted the days ``first`` to ``last``.

    Where records are read in another way, those that were rejected may be of any day up to today. By other settings, a
    time may be read by another zone. And a record counts on its event's day, ahead of that on which it came by what is
    allowed today, or on the day on which it came, if it was let in before and no longer is. Nothing before the day
    ``replayable`` can be counted again.
    """
    formats = today.rules.get(FORMATS)
    has_other_formats = counted.rules.get(FORMATS, formats) != formats
    is_read_otherwise, settings = today.reading != counted.reading or has_other_formats, today.settings_since(counted)
    if is_read_otherwise:
        first, last = FIRST_DAY, max(last, dt.datetime.now(tz=dt.timezone.utc).date())
    if settings:
        first = max(FIRST_DAY, first - MOST_SHIFT - counted.days_ahead)
        last += MOST_SHIFT
    if is_read_otherwise or settings:
        last += today.days_ahead
    first = max(first, replayable or first)
    end = max(first, last) + dt.timedelta(days=1)
    return (
        f"the past was counted without {' and '.join(counted.changes_to(today))}: run `make replay FROM={first} "
        f"TO={end}` once to count it again"
    )


def _with_extended(path: Path) -> Any:
    """Return the content of a file of rules; of one that extends others also theirs, wherever they are."""
    contents = [content for _, content in read_layers(path)]
    return contents[0] if len(contents) == 1 else [_but(EXTENDS, content) for content in contents]


def _but(key: str, content: Any) -> Any:
    return {name: value for name, value in content.items() if name != key} if isinstance(content, dict) else content


def _as_json(path: Path, content: Any) -> bytes:
    try:
        return json.dumps(content, sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RulesError(f"{path} has something that is neither text nor number ({brief(error)}); quote it") from error


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
