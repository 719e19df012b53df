"""Rules of alerts, for tests to change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from watch.rules import Rule

SHARE = "select sum(part) as part, sum(whole) as whole from marts.shares where window_start >= span.starts_at "
RULE = Rule(
    name="failures",
    level="severe",
    says="{part} of {whole} failed ({share:.0%})",
    next="look",
    sql=f"{SHARE} and window_start < span.ends_at",
    minutes=2,
    resolution=1,
    is_above=True,
    opens=0.5,
    closes=0.25,
    least=10.0,
    times_usual=None,
    holds_minutes=0.0,
    calm_minutes=5.0,
)


def a_rule(**changes: Any) -> Rule:
    return replace(RULE, **changes)
