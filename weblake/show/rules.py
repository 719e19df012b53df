"""What ``weblake rules`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.text import printable
from weblake.console import STRONG, Cell, note, write, write_table

if TYPE_CHECKING:
    from audit.rule_hits import RuleHits
    from audit.shop_fit import Fit

PATTERN, EXAMPLE = 44, 70
"""So many characters of each are shown."""


def show_hits(hits: RuleHits, rules_file: Path, limit: int, fit: Fit | None) -> None:
    """Write which rules caught how much, and the commonest paths that none did."""
    write(f"{hits.lines:,} lines by the URL rules of {rules_file}: {_summary(hits)}")
    rows = [
        (_name(hits, number), Cell(rule.action, STRONG), f"{caught.lines:,}", _share(caught.lines, hits), *texts)
        for number, caught in sorted(hits.by_rule.items())
        for rule in [hits.rules[number]]
        for texts in [(_cut(rule.pattern, PATTERN), _cut(caught.example, EXAMPLE))]
    ]
    if rows:
        write_table(("rule", "action", "lines", "share", "pattern", "the first"), rows, "Caught by", "  rr")
    idle = [_name(hits, number) for number in range(len(hits.rules)) if number not in hits.by_rule]
    if idle:
        write(f"caught nothing: {', '.join(idle)}")
    write(f"caught by no rule, so `other`: {hits.other:,} of {hits.requests:,} requests ({_share(hits.other, hits)})")
    shapes = _shapes(hits, limit)
    if shapes:
        table = [
            (f"{caught.lines:,}", _share(caught.lines, hits), name, _cut(caught.example, EXAMPLE))
            for name, caught in shapes
        ]
        write_table(("lines", "share", "path", "the first"), table, "Caught by none", "rr")
    if hits.rejected:
        unread = f"{hits.rejected:,} of {hits.lines:,} lines cannot be read"
        note(f"weblake: {unread}; `make formats FILE=` shows why, and what can be done")
    if fit:
        note(f"weblake: {fit}")


def hits_as_json(hits: RuleHits, rules_file: Path, limit: int, fit: Fit | None) -> dict[str, Any]:
    """Return the same for programs, whole."""
    return {
        "rules_file": str(rules_file),
        "lines": hits.lines,
        "requests": hits.requests,
        "events": hits.events,
        "rejected": hits.rejected,
        "no_request": hits.unreadable,
        "actions": dict(hits.actions.most_common()),
        "rules": [
            {
                "file": rule.file,
                "number": rule.number,
                "action": rule.action,
                "pattern": rule.pattern,
                "lines": caught.lines if caught else 0,
                "example": caught.example if caught else None,
            }
            for rule, caught in ((rule, hits.by_rule.get(number)) for number, rule in enumerate(hits.rules))
        ],
        "other": {
            "lines": hits.other,
            "paths": [
                {"path": name, "lines": caught.lines, "example": caught.example}
                for name, caught in _shapes(hits, limit)
            ],
        },
        "better_shop": fit.shop.name if fit else None,
    }


def _shapes(hits: RuleHits, limit: int) -> list[Any]:
    from audit.rule_hits import commonest

    return commonest(hits.by_shape, limit)


def _summary(hits: RuleHits) -> str:
    parts = [(hits.requests, "requests"), (hits.events, "JSON events"), (hits.unreadable, "without a request")]
    return ", ".join(f"{number:,} {what}" for number, what in [*parts, (hits.rejected, "rejected")] if number) or "none"


def _name(hits: RuleHits, number: int) -> str:
    rule = hits.rules[number]
    return f"{Path(rule.file).name} {rule.number}"


def _share(lines: int, hits: RuleHits) -> str:
    return f"{lines / hits.requests:.1%}" if hits.requests else "-"


def _cut(text: str, most: int) -> str:
    text = printable(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
