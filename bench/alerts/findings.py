"""What the alerts found, compared with the labels: delays, misses, false alarms, and the floor."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.alerts.weeks import TROUBLES
from ingest.shop.incidents import BREAKDOWN, FLOOD, OUTAGE, PROVIDER_DOWN, SLOW_CHECKOUT, VIRAL, Incident
from watch.trial import Trial

RULES = {
    OUTAGE: ("silence", "silence_of_a_quiet_shop"),
    PROVIDER_DOWN: ("payment_errors", "more_payment_errors"),
    BREAKDOWN: ("server_errors",),
    FLOOD: ("bot_surge",),
    VIRAL: ("wanted_product",),
    SLOW_CHECKOUT: ("checkout_slow",),
}
"""Kind of incident -> the rules that are to tell of it."""
SEVERE = (OUTAGE, PROVIDER_DOWN, BREAKDOWN, SLOW_CHECKOUT)
AFTERMATH_SECONDS = 1_800.0
"""So long after its end, what an incident has done may still show in a rule's minutes."""
QUICK_SECONDS = {OUTAGE: 180.0, PROVIDER_DOWN: 180.0}
FALSE_ALARMS_A_WEEK = 1.0


@dataclass
class Findings:
    """The figures, over all seeds.

    Attributes:
        delays: of each kind, seconds from the start of each incident that was told of until then.
        missed: of each kind, how many were not told of.
        false_alarms: of each rule, alerts in weeks without incidents that have earlier weeks to compare with.
        quiet_weeks: how many such weeks there were.
        first_alarms: of each rule, alerts in the first weeks, which have too few before them.
        first_weeks: how many such weeks there were.
        strays: of each rule, alerts in weeks with incidents that no incident explains.
    """

    delays: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    missed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    false_alarms: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    quiet_weeks: int = 0
    first_alarms: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    first_weeks: int = 0
    strays: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, trials: Mapping[str, Sequence[Trial]], incidents: Sequence[Incident], epoch: float) -> None:
        """Add the alerts of a week with incidents (by rule; epoch seconds), whose starts count from ``epoch``."""
        for incident in incidents:
            starts, ends = epoch + incident.starts, epoch + incident.ends
            told = [
                trial.opened_at
                for rule in RULES[incident.kind]
                for trial in trials[rule]
                if starts <= trial.opened_at <= ends
            ]
            if told:
                self.delays[incident.kind].append(min(told) - starts)
            else:
                self.missed[incident.kind] += 1
        for rule, opened in trials.items():
            self.strays[rule] += sum(
                not any(
                    epoch + one.starts <= trial.opened_at <= epoch + one.ends + AFTERMATH_SECONDS for one in incidents
                )
                for trial in opened
            )

    def add_quiet(self, trials: Mapping[str, Sequence[Trial]], weeks: int, is_first: bool) -> None:
        """Add the alerts of weeks without incidents, all of which are false alarms."""
        alarms = self.first_alarms if is_first else self.false_alarms
        for rule, opened in trials.items():
            alarms[rule] += len(opened)
        if is_first:
            self.first_weeks += weeks
        else:
            self.quiet_weeks += weeks


def table(findings: Findings) -> str:
    """Return the figures as tables in Markdown."""
    lines = ["| Incident | Told of | Missed | Median delay, s | Longest, s |", "|---|---|---|---|---|"]
    for kind in TROUBLES:
        delays = findings.delays[kind]
        middle, most = (f"{statistics.median(delays):.0f}", f"{max(delays):.0f}") if delays else ("", "")
        lines.append(f"| {kind} | {len(delays)} | {findings.missed[kind]} | {middle} | {most} |")
    lines += [
        "",
        f"| Rule | False alarms in {findings.quiet_weeks} quiet weeks | In {findings.first_weeks} first weeks "
        "| Beside incidents |",
        "|---|---|---|---|",
    ]
    rules = sorted({*findings.false_alarms, *findings.first_alarms, *findings.strays})
    lines += [
        f"| {rule} | {findings.false_alarms[rule]} | {findings.first_alarms[rule]} | {findings.strays[rule]} |"
        for rule in rules
    ]
    return "\n".join(lines)


def below_floor(findings: Findings) -> list[str]:
    """Return in which ways the findings are not good enough."""
    failures = [
        f"{findings.missed[kind]} incidents of the kind {kind} were missed" for kind in SEVERE if findings.missed[kind]
    ]
    failures += [
        f"an incident of the kind {kind} was told of after {max(findings.delays[kind]):.0f} s, more than {most:.0f} s"
        for kind, most in QUICK_SECONDS.items()
        if max(findings.delays[kind], default=0.0) > most
    ]
    alarms = sum(findings.false_alarms.values())
    if alarms > FALSE_ALARMS_A_WEEK * findings.quiet_weeks:
        failures.append(f"{alarms} false alarms in {findings.quiet_weeks} quiet weeks")
    return failures
