"""The charts: which there are, what each is about and which marts it reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        name: the chart's name; its picture is ``<name>.png``.
        title: the subject that its title begins with.
        marts: the marts that it reads; ``traffic`` says which time all charts show.
        description: what it shows, in one sentence.
    """

    name: str
    title: str
    marts: tuple[str, ...]
    description: str

    @property
    def file_name(self) -> str:
        """Name of the picture's file."""
        return f"{self.name}.png"


CHARTS = (
    Chart(
        "top_products",
        "Products that people view most",
        ("products", "traffic"),
        "Bars of the twelve products that people view most, with the views of bots beside theirs.",
    ),
    Chart(
        "actions",
        "What clients do",
        ("actions", "traffic"),
        "A pie of all events by action.",
    ),
    Chart(
        "payment_errors",
        "Failed payments",
        ("payment_errors", "traffic"),
        "Checkouts that the server failed over time, before all checkouts.",
    ),
    Chart(
        "bots",
        "Suspected bots",
        ("bots", "traffic"),
        "Bars of the twelve busiest suspected clients, each with its class, its score and the reasons.",
    ),
    Chart(
        "bot_requests",
        "Requests of bots",
        ("bot_traffic", "traffic"),
        "Requests of bots over time, stacked by class.",
    ),
    Chart(
        "conversion",
        "Conversion with and without bots",
        ("bot_classes", "traffic"),
        "Bars of checkouts per product view in percent, by day, week, month or year, with bots and without.",
    ),
    Chart(
        "searches",
        "Searches of the shop",
        ("traffic",),
        "Steps of the searches over time.",
    ),
    Chart(
        "traffic",
        "People and bots",
        ("traffic",),
        "Steps of the events of people and of bots over time.",
    ),
)
"""All charts, in the order in which they are drawn."""
