"""Whether the ledger's past was counted with today's measures, dimensions and rules."""

from __future__ import annotations

from dataclasses import dataclass

from audit.check import Check, compared, unchecked
from audit.lake import PinnedLake
from lake.contracts import BRONZE_PARTITION, LEDGER_PARTITION
from lake.contracts.edition import EDITION_PROPERTY, ZONES_PROPERTY, Edition, replay_advice
from spark.tables.delta import properties


@dataclass(frozen=True)
class Gap:
    """What to run to count the past by today's edition, and whether only rules have changed."""

    advice: str
    is_of_rules: bool

    def check(self) -> Check:
        """Return the line of the report that says so."""
        return compared("edition", "today's", "the ledger's", note=self.advice)

    def instead_of(self, name: str) -> list[Check]:
        """Return what replaces the checks that need the past to be of today's edition."""
        return [unchecked(name, self.advice)]


def edition_gap(lake: PinnedLake) -> Gap | None:
    """Return how the ledger's edition differs from today's; None if it does not, or if the ledger has no entries."""
    text = properties(lake.session, lake.settings.ledger).get(EDITION_PROPERTY)
    today = Edition.of_today(lake.settings)
    counted = Edition.parse(text) if text else Edition.of_columns(lake.ledger().columns)
    if not counted.changes_to(today):
        return None
    days = lake.ledger().select(LEDGER_PARTITION).unionAll(lake.counted_bronze().select(BRONZE_PARTITION))
    first, last = days.selectExpr(f"min({LEDGER_PARTITION})", f"max({LEDGER_PARTITION})").collect()[0]
    is_of_rules = (counted.measures, counted.dimensions) == (today.measures, today.dimensions)
    has_zones = ZONES_PROPERTY in properties(lake.session, lake.settings.bronze)
    horizon = lake.horizon
    replayable = horizon.replayable(lake.settings.future_seconds, has_zones) if horizon else None
    return Gap(replay_advice(counted, today, first, last, replayable), is_of_rules) if first else None
