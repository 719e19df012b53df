"""The shops whose URLs Weblake knows: a file of URL rules each, which the setting ``SHOP`` chooses by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lake.errors import SettingsError
from lake.rules_file import RULES, read_yaml

SHIPPED = RULES / "urls.yml"
"""The rules for a shop that is none of these."""
NO_SHOP = "none"
SHOPS = {path.stem: path for path in sorted((RULES / "shops").glob("*.yml"))}
"""The name of a shop, as ``SHOP`` has it -> its rules."""


@dataclass(frozen=True)
class Shop:
    """A shop: its name in a sentence, and a pattern that only targets of its kind of shop have in them."""

    name: str
    title: str
    sign: re.Pattern[str]


def read_shop(name: str) -> Shop:
    """Return what the file of a shop that is one of :data:`SHOPS` says of it."""
    content = read_yaml(SHOPS[name])
    return Shop(name, content["shop"], re.compile(content["sign"], re.ASCII))


def rules_of(shop: str, given: str) -> Path:
    """Return the file of URL rules in force.

    Args:
        shop: The setting ``SHOP``.
        given: The setting ``WEBLAKE_RULES``.

    Raises:
        SettingsError: there is no such shop, or there are rules of one's own beside it.
    """
    if shop == NO_SHOP:
        return Path(given)
    if shop not in SHOPS:
        raise SettingsError(f"SHOP={shop!r} is unknown; set it to one of {', '.join((NO_SHOP, *SHOPS))}")
    if Path(given).resolve() not in (SHIPPED, *SHOPS.values()):
        raise SettingsError(
            f"SHOP={shop} and WEBLAKE_RULES={given} name two sets of URL rules; set SHOP={NO_SHOP}, or no "
            f"WEBLAKE_RULES. The file may have the shop's rules too, if it says `extends: {SHOPS[shop]}`"
        )
    return SHOPS[shop]
