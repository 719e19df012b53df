"""Which shop's URL rules fit a log better than those in force. Pure: lines in, a finding out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.rule_hits import RuleTrial
from lake.shops import SHIPPED, SHOPS, Shop, read_shop
from lake.url_rules import read_url_rules

LINES = 2_000
"""So many lines of a log are enough to see whose URLs they have."""
LEAST_SIGNS, LEAST_SHARE = 3, 0.01
"""So many lines, and such a share of them, must have what only the URLs of that kind of shop have."""
LEAST_MORE, TIMES_MORE = 5, 1.2
"""So many product views and carts more must the better rules catch, and so many times as many."""
DEEDS = ("view_product", "add_to_cart")


Line = tuple[bytes, str | None]
"""A line, and the log string that it is written by, if it is known."""


@dataclass(frozen=True)
class Fit:
    """A shop whose rules see ``deeds`` product views and carts in so many lines, where those in force see ``now``."""

    shop: Shop
    lines: int
    deeds: int
    now: int

    def __str__(self) -> str:
        """Say so in a sentence."""
        choice = f"SHOP={self.shop.name}"
        return (
            f"these look like {self.shop.title}'s URLs: of the first {self.lines:,} lines, {self.deeds:,} are product "
            f"views or carts with {choice}, and {self.now:,} by the rules in use. `make up {choice}` changes to "
            "these, and `make status` then says which replay counts the past by them"
        )


def better_shop(lines: Sequence[Line], in_force: Path) -> Fit | None:
    """Return the shop that fits lines of a log clearly better than the rules in force; None for rules of one's own.

    Raises:
        RulesError: a file of rules is missing or damaged.
    """
    in_force = in_force.resolve()
    if not lines or in_force not in (SHIPPED, *SHOPS.values()):
        return None
    trial = RuleTrial(read_url_rules(in_force))
    paths = [event.path for event in (trial.read(*line) for line in lines) if event.path]
    signs = {shop: sum(bool(shop.sign.search(path)) for path in paths) for shop in map(read_shop, SHOPS)}
    shop = max(signs, key=lambda one: signs[one])
    if SHOPS[shop.name] == in_force or signs[shop] < max(LEAST_SIGNS, LEAST_SHARE * len(lines)):
        return None
    fit = Fit(shop, len(lines), _deeds(lines, SHOPS[shop.name]), _number_of_deeds(trial))
    return fit if fit.deeds >= max(fit.now + LEAST_MORE, TIMES_MORE * fit.now) else None


def _deeds(lines: Sequence[Line], rules_file: Path) -> int:
    trial = RuleTrial(read_url_rules(rules_file))
    for line in lines:
        trial.read(*line)
    return _number_of_deeds(trial)


def _number_of_deeds(trial: RuleTrial) -> int:
    return sum(trial.hits.actions[deed] for deed in DEEDS)
