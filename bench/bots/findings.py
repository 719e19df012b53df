"""What the detector of bots found, compared with the truth: figures, a table, a chart, and the floor."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from bench.bots.detector import Verdict
from bench.bots.labelled import PEOPLE, Truth

FEWEST_REQUESTS = 30
PRECISION_FLOOR = 0.99
RECALL_FLOOR = 0.95


@dataclass
class Kind:
    """The clients of one kind, over all scenarios.

    Attributes:
        clients: how many there were.
        convicted: how many of them were convicted in the end, or ever where they are people.
        busy: those with :data:`FEWEST_REQUESTS` requests or more.
        busy_convicted: how many of those were convicted.
        requests_until: of each convicted one, how many requests it had made when it was first convicted.
    """

    clients: int = 0
    convicted: int = 0
    busy: int = 0
    busy_convicted: int = 0
    requests_until: list[int] = field(default_factory=list)


@dataclass
class Findings:
    """The figures by kind."""

    kinds: dict[str, Kind] = field(default_factory=dict)

    def add(self, truth: Truth, upto: list[float], verdicts: list[dict[str, Verdict]]) -> None:
        """Add a scenario's: its truth, and the verdicts after each of ``upto`` seconds."""
        for address, name in truth.kinds.items():
            kind = self.kinds.setdefault(name, Kind())
            times = [
                seconds
                for seconds, suspects in zip(upto, verdicts, strict=True)
                if address in suspects and suspects[address].is_convicted
            ]
            # People are wronged by any conviction, bots have to be convicted still in the end.
            is_convicted = bool(times) and (name in PEOPLE or times[-1] == upto[-1])
            kind.clients += 1
            kind.convicted += is_convicted
            if truth.requests(address) >= FEWEST_REQUESTS:
                kind.busy += 1
                kind.busy_convicted += is_convicted
            if is_convicted:
                kind.requests_until.append(sum(due <= times[0] for due in truth.dues[address]))

    @property
    def precision(self) -> float:
        """Return which part of the convicted busy clients are bots; 1 where none is convicted."""
        convicted = sum(kind.busy_convicted for kind in self.kinds.values())
        bots = sum(kind.busy_convicted for name, kind in self.kinds.items() if name not in PEOPLE)
        return bots / convicted if convicted else 1.0

    @property
    def recall(self) -> float:
        """Return which part of the busy bots is convicted; 1 where there are none."""
        bots = [kind for name, kind in self.kinds.items() if name not in PEOPLE]
        busy = sum(kind.busy for kind in bots)
        return sum(kind.busy_convicted for kind in bots) / busy if busy else 1.0

    @property
    def wronged(self) -> tuple[int, int]:
        """Return how many people were ever convicted, however few requests they made, and of how many."""
        people = [kind for name, kind in self.kinds.items() if name in PEOPLE]
        return sum(kind.convicted for kind in people), sum(kind.clients for kind in people)


def ordered(findings: Findings) -> list[tuple[str, Kind]]:
    """Return the kinds by name, bots first."""
    return sorted(findings.kinds.items(), key=lambda one: (one[0] in PEOPLE, one[0]))


def table(findings: Findings) -> str:
    """Return the figures as a table in Markdown, and the totals below it."""
    titles = ("Kind", "Clients", "Convicted", f"Of {FEWEST_REQUESTS} requests or more", "Convicted", "Recall")
    lines = [f"| {' | '.join((*titles, 'Requests until conviction'))} |", "|---|---|---|---|---|---|---|"]
    for name, kind in ordered(findings):
        is_bot = name not in PEOPLE
        recall = f"{kind.busy_convicted / kind.busy:.3f}" if is_bot and kind.busy else ""
        until = f"{statistics.median(kind.requests_until):.0f}" if kind.requests_until else ""
        cells = (name, kind.clients, kind.convicted, kind.busy, kind.busy_convicted, recall, until)
        lines.append(f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in cells)} |")
    wronged, people = findings.wronged
    lines += [
        "",
        f"Over clients with {FEWEST_REQUESTS} requests or more: precision {findings.precision:.4f}, "
        f"recall {findings.recall:.4f}. People ever convicted, however few their requests: {wronged:,} of {people:,}.",
    ]
    return "\n".join(lines)


def below_floor(findings: Findings) -> list[str]:
    """Return in which ways the findings are not good enough."""
    failures = []
    if findings.precision < PRECISION_FLOOR:
        failures.append(f"precision {findings.precision:.4f} is less than {PRECISION_FLOOR}")
    if findings.recall < RECALL_FLOOR:
        failures.append(f"recall {findings.recall:.4f} is less than {RECALL_FLOOR}")
    wronged = {name: findings.kinds[name].convicted for name in PEOPLE if name in findings.kinds}
    failures += [f"{count} clients of the kind {name} were convicted" for name, count in wronged.items() if count]
    return failures


def draw_findings(findings: Findings, path: Path, seeds: str) -> None:
    """Draw the share of each kind that is convicted, bots above people, into a PNG file."""
    from matplotlib import pyplot

    from viz.axes import BOT, HUMAN, set_title
    from viz.draw import STYLE

    bars = [(name, kind) for name, kind in ordered(findings) if kind.busy][::-1]
    with pyplot.style.context(STYLE):
        figure, ax = pyplot.subplots()
        shares = [100 * kind.busy_convicted / kind.busy for _, kind in bars]
        ax.barh(range(len(bars)), shares, color=[HUMAN if name in PEOPLE else BOT for name, _ in bars])
        ax.set_yticks(range(len(bars)), [name.replace("_", " ") for name, _ in bars])
        for row, ((_, kind), share) in enumerate(zip(bars, shares, strict=True)):
            ax.text(share + 1, row, f"{kind.busy_convicted:,} of {kind.busy:,}", va="center", fontsize=11)
        ax.set_xlim(0, 118)
        ax.set_xticks(range(0, 101, 20))
        ax.set_xlabel(f"convicted, per cent of clients with {FEWEST_REQUESTS} requests or more")
        ax.set_ylabel("what it truly is")
        ax.grid(False, axis="y")
        set_title(
            ax,
            f"Bots convicted: precision {findings.precision:.1%}, recall {findings.recall:.1%}",
            f"an hour of made-up traffic each, seeds {seeds}; people in blue",
        )
        try:
            figure.savefig(path, format="png")
        finally:
            pyplot.close(figure)
