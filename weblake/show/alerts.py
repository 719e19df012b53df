"""What the alerts' commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watch.alerts import Alert, iso
from watch.trial import Trial
from weblake.console import BAD, DIM, STRONG, Cell, write, write_table


def show_alerts(alerts: Sequence[Alert], silent: Mapping[str, float], failing: Sequence[tuple[str, str]]) -> None:
    """Write one line per alert, the newest first, and what keeps people from hearing of them."""
    if alerts:
        rows = [
            (_state(alert), alert.level, Cell(alert.rule, STRONG), iso(alert.opened_at), _end(alert), alert.sentence)
            for alert in alerts
        ]
        write_table(("state", "level", "rule", "opened at", "closed at", "what"), rows)
    else:
        write("no alerts")
    for rule, until in sorted(silent.items()):
        write(f"nobody is told of {rule} until {iso(until)}")
    for channel, error in failing:
        write(f"{channel} takes no message: {error}", BAD)


def show_trials(rule: str, trials: Sequence[Trial], first: float, end: float) -> None:
    """Write when a rule's alerts would have opened and closed."""
    if trials:
        rows = [
            (iso(trial.opened_at), iso(trial.closed_at) if trial.closed_at else "-", trial.sentence) for trial in trials
        ]
        write_table(("would open at", "would close at", "what"), rows)
    write(f"{rule}: {len(trials)} alerts from {iso(first)} to {iso(end)}")


def _state(alert: Alert) -> Cell:
    if alert.restated_at is not None:
        return Cell("restated", DIM)
    return Cell("open", BAD) if alert.closed_at is None else Cell("over", DIM)


def _end(alert: Alert) -> str:
    return "-" if alert.closed_at is None else iso(alert.closed_at)
