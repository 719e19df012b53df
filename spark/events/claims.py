"""Impostors: clients whose agent claims a known crawler's name from an address outside that crawler's published ranges.

Pure but for the loader: expressions over the columns ``user_agent``, ``ip_address`` and ``window_start``, which Spark
compiles.
"""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.errors import RulesError, brief, shown

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

COLUMNS = ["operator", "cidr", "as_of", "source"]
V4_LENGTHS = (8, 16, 24, 28, 32)
V6_LENGTHS = (32, 48, 64)
"""Prefix lengths that addresses are looked up by; a range of another length is cut into ranges of the next one."""

WIDEST = {4: 8, 6: 20}
"""Shortest prefix of each version that a range may have: a wider one proves nothing, and would be cut into too many."""

OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IS_V4 = rf"^({OCTET}[.]){{3}}{OCTET}\\z"
GROUP = "[0-9a-f]{1,4}"
IS_V6 = rf"^(({GROUP}:){{7}}{GROUP}|(?=.*::)(?!.*::.*::)({GROUP})?(:({GROUP})?){{2,7}})\\z"
INTERNAL = "^((10|127|192[.]168|169[.]254|172[.](1[6-9]|2[0-9]|3[01]))[.]|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:|::1\\\\z)"
ADDRESS = "regexp_replace(lower(ip_address), '^::ffff:(?=[0-9]+[.])', '')"
"""An IPv4 address may be written as ``::ffff:66.249.64.1``: servers that listen on IPv6 log it so."""


@dataclass(frozen=True)
class Ranges:
    """Operator -> the networks that its crawlers come from, as it publishes them, and the date of its newest list."""

    networks: Mapping[str, tuple[Network, ...]]
    dates: Mapping[str, dt.date] = field(default_factory=dict)


def load_ranges(path: Path) -> Ranges:
    """Read a CSV file of operator, cidr, as_of (date of the list) and source (where it was published).

    Raises:
        RulesError: the file is missing, or a line has no operator or a range that cannot be used.
    """
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            if rows.fieldnames != COLUMNS:
                raise RulesError(f"{path}: the first line must be {','.join(COLUMNS)}, not {shown(rows.fieldnames)}")
            networks: dict[str, tuple[Network, ...]] = {}
            dates: dict[str, dt.date] = {}
            for row in rows:
                operator, where = row["operator"], f"{path}, line {rows.line_num}"
                networks[operator] = (*networks.get(operator, ()), _network(row, where))
                dates[operator] = max(dates.get(operator, dt.date.min), _date(row, where))
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise RulesError(f"cannot read the crawlers' address ranges in {path}: {brief(e)}") from e
    if not networks:
        raise RulesError(f"{path} has no address ranges; restore the file that Weblake ships")
    return Ranges(networks, dates)


def is_impostor(claims: Mapping[str, Column], ranges: Ranges, days: int, is_compiled: bool = True) -> Column:
    """Say of a row whether its agent claims an operator's crawler and its address is in none of that operator's ranges.

    The ranges are evidence for ``days`` before and after their date only: of other times nothing is known.
    ``claims`` is operator -> whether the agent claims to be one of its crawlers; an agent should claim one operator,
    and counts for the first that has it. What is no address proves nothing, nor does one of an internal network, where
    only a proxy can have taken its place. Never null.
    Without ``is_compiled``, Spark looks into the ranges without compiling that: where all operators may be claimed, and
    the claims themselves take room, it would be more code than Java takes in one piece (64 KB).

    Raises:
        RulesError: an operator of the claims has no ranges.
    """
    unknown = sorted(claims.keys() - ranges.networks.keys())
    if unknown:
        raise RulesError(f"no address ranges for {', '.join(unknown)}; add them to lake/rules/crawler_ranges.csv")
    is_foreign = F.lit(False)
    for operator, is_claimed in reversed(list(claims.items())):
        is_outside = f"NOT coalesce({_inside(ranges.networks[operator])}, true)"
        evidence = f"{_is_near(ranges.dates.get(operator), days)} AND {is_outside}"
        if not is_compiled:
            evidence = f"exists(array(1), one -> {evidence})"  # functions of functions are never compiled
        is_foreign = F.when(is_claimed, F.expr(evidence)).otherwise(is_foreign)
    return is_foreign & F.expr(f"NOT coalesce({ADDRESS} RLIKE '{INTERNAL}', false)")


def _network(row: dict[str, str], where: str) -> Network:
    try:
        network = ipaddress.ip_network(row["cidr"])
        _length(network)
    except (ValueError, TypeError) as e:
        raise RulesError(f"{where}: {shown(row['cidr'])} is not a usable address range: {brief(e)}") from e
    if not row["operator"]:
        raise RulesError(f"{where}: {shown(row['cidr'])} has no operator; name it as lake/rules/agents.yml does")
    return network


def _date(row: dict[str, str], where: str) -> dt.date:
    try:
        return dt.date.fromisoformat(row["as_of"])
    except (ValueError, TypeError) as e:
        raise RulesError(f"{where}: {shown(row['as_of'])} is not a date such as 2026-09-02") from e


def _is_near(date: dt.date | None, days: int) -> str:
    """SQL: the event is of the days around a date, never null; true if there is no date."""
    if date is None:
        return "true"
    first, end = date - dt.timedelta(days=days), date + dt.timedelta(days=days + 1)
    return f"coalesce(window_start >= '{first}T00:00:00Z' AND window_start < '{end}T00:00:00Z', false)"


def _length(network: Network) -> int:
    """The prefix length that a network is looked up by: its own, or the next longer one."""
    lengths = V4_LENGTHS if network.version == 4 else V6_LENGTHS
    if network.prefixlen < WIDEST[network.version]:
        raise ValueError(f"it is too wide: wider than /{WIDEST[network.version]}")
    longer = [length for length in lengths if length >= network.prefixlen]
    if not longer:
        raise ValueError(f"its prefix is longer than /{lengths[-1]}")
    return longer[0]


def _inside(networks: Collection[Network]) -> str:
    """SQL: the address is in one of the ranges; null where it is none."""
    return (
        f"CASE WHEN {ADDRESS} RLIKE '{IS_V4}' THEN {_in_v4(networks)}"
        f" WHEN {ADDRESS} RLIKE '{IS_V6}' THEN {_in_v6(networks)} END"
    )


def _in_v4(networks: Collection[Network]) -> str:
    """SQL: the first bits of the address, as a number, are among those of the ranges."""
    octets = [f"try_cast(split_part({ADDRESS}, '.', {index}) AS bigint)" for index in (1, 2, 3, 4)]
    number = f"((({octets[0]} * 256 + {octets[1]}) * 256 + {octets[2]}) * 256 + {octets[3]})"
    tests = []
    for length in V4_LENGTHS:
        numbers = ", ".join(f"{start}L" for start in sorted(_starts(networks, 4, length)))
        if numbers:
            tests.append(f"shiftright({number}, {32 - length}) IN ({numbers})")
    return f"({' OR '.join(tests)})" if tests else "false"


def _in_v6(networks: Collection[Network]) -> str:
    """SQL: the first groups of the address, as one text, are among those of the ranges."""
    left = f"split(substring_index({ADDRESS}, '::', 1), ':')"
    right = f"split(substring_index({ADDRESS}, '::', -1), ':')"
    groups = [
        f"lpad(coalesce(if(get({left}, {index}) = '', NULL, get({left}, {index})),"
        f" get({right}, {index} - 8 + size({right})), '0'), 4, '0')"
        for index in range(V6_LENGTHS[-1] // 16)
    ]
    tests = []
    for length in V6_LENGTHS:
        starts = [f"{start:0{length // 4}x}" for start in sorted(_starts(networks, 6, length))]
        if starts:
            tests.append(f"concat({', '.join(groups[: length // 16])}) IN ({_texts(starts)})")
    return f"({' OR '.join(tests)})" if tests else "false"


def _starts(networks: Collection[Network], version: int, length: int) -> set[int]:
    """The first ``length`` bits of all ranges that are looked up by that length."""
    starts = set()
    for network in networks:
        if network.version == version and _length(network) == length:
            bits = network.max_prefixlen - length
            first, last = int(network.network_address) >> bits, int(network.broadcast_address) >> bits
            starts |= set(range(first, last + 1))
    return starts


def _texts(values: Iterable[str]) -> str:
    """Hexadecimal texts as SQL literals, separated by commas."""
    return ", ".join(f"'{value}'" for value in values)
