"""Why a client counts as a bot, or why not: ``weblake explain --ip 203.0.113.7``.

The verdict, each reason with its arithmetic, and the raw records behind it, from bronze.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor
from pyspark.sql import functions as F

from audit.client_records import records_of
from audit.oracle.agents import claimed_operator
from audit.oracle.clients import NEVER, Clients, clients
from audit.oracle.times import SECOND
from audit.session import quiet_session
from lake.contracts.horizon import read_horizon
from lake.contracts.records import BY_MARTS, HOLD_SECONDS
from lake.errors import ServiceError
from lake.settings import Settings
from lake.url_rules import load_rules
from spark.tables.delta import properties

MOST_AGENTS = 1_000
"""So many agents of one client are looked at."""
VERDICT = """
    select verdict, decided_by, decided_at, reason
    from silver.verdicts where ip_address = any(%(spellings)s) order by ip_address <> %(address)s
"""
SUSPECT = """
    select score, class, is_convicted, would_convict, reasons, figures, events, bot_events,
        share::float8, errors, first_seen_at, last_seen_at
    from staging.bots where ip_address = any(%(spellings)s) order by ip_address <> %(address)s
"""
RULES = """
    select reason, points, threshold, meaning
    from marts.bot_rules where reason = any(%(reasons)s) order by points desc, reason
"""


@dataclass(frozen=True)
class Ruling:
    """The last verdict on a client: ``convicted``, ``pardoned`` or ``released``."""

    verdict: str
    decided_by: str
    decided_at: dt.datetime
    reason: str


@dataclass(frozen=True)
class Reason:
    """A rule that the client meets, and the figure by which it does."""

    reason: str
    points: int
    threshold: int
    figure: int
    meaning: str

    def __str__(self) -> str:
        return f"{self.points:+4d}  {self.reason:<18} {self.figure:,} >= {self.threshold:,}  {self.meaning}"


@dataclass(frozen=True)
class Suspicion:
    """What the marts say of a client that they suspect."""

    score: int
    class_name: str
    is_convicted: bool
    would_convict: bool
    reasons: tuple[Reason, ...]
    events: int
    bot_events: int
    share: float
    errors: int
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime

    def as_lines(self) -> list[str]:
        """Return the score, each reason, and what the client did in all."""
        state = "over" if self.would_convict else "below"
        seen = f"{self.first_seen_at:%Y-%m-%d %H:%M}Z to {self.last_seen_at:%Y-%m-%d %H:%M}Z"
        events = f"{self.events:,} events ({100 * self.share:.2f} % of all)"
        return [
            f"score {self.score}, {state} the threshold; class {self.class_name}",
            f"{self.bot_events:,} of {self.events:,} events are counted as a bot's",
            *map(str, self.reasons),
            f"{events}, {self.errors:,} errors, seen {seen}",
        ]


@dataclass(frozen=True)
class RawRecords:
    """What bronze has of a client: how many records, on how many products, whose crawler it says it is, the newest."""

    records: int
    products: int
    newest: tuple[str, ...]
    claims: tuple[str, ...] = ()
    since: str | None = None
    """The first day that bronze still has; None where it has all."""

    def as_lines(self) -> list[str]:
        """Return how its claims came out, a title, and the newest records."""
        bronze = f"bronze, which begins at {self.since}," if self.since else "bronze"
        title = f"{self.records:,} records in {bronze} on {self.products:,} products; the newest {len(self.newest)}:"
        return [*self.claims, title, *(f"  {record}" for record in self.newest)]


@dataclass(frozen=True)
class AgentSeen:
    """An agent of a client, and when it was first and last seen."""

    agent: str
    first: dt.datetime
    last: dt.datetime


@dataclass(frozen=True)
class Explanation:
    """Why a client counts as a bot, or why not."""

    address: str
    ruling: Ruling | None
    suspicion: Suspicion | None

    def as_lines(self) -> list[str]:
        """Return the explanation for people."""
        lines = []
        if self.ruling:
            at = f"{self.ruling.decided_at:%Y-%m-%d %H:%M:%S}Z"
            lines.append(f"{self.ruling.verdict} by {self.ruling.decided_by} on {at}: {self.ruling.reason}")
            if self.ruling.decided_by == BY_MARTS:
                until = self.ruling.decided_at + dt.timedelta(seconds=HOLD_SECONDS)
                lines.append(
                    f"the marts keep to it until {until:%H:%M:%S}Z at least, whatever the score says meanwhile"
                )
        if self.suspicion:
            lines += self.suspicion.as_lines()
        else:
            lines.append("not suspected: nothing that the rules know speaks against it (or it was never seen)")
        return [self.address, *(f"  {line}" for line in lines)]

    def as_json(self) -> dict[str, object]:
        """Return the explanation for a program; its times are ISO 8601."""
        return {
            "address": self.address,
            "ruling": _plain(self.ruling) if self.ruling else None,
            "suspicion": _plain(self.suspicion) if self.suspicion else None,
        }


def explain(settings: Settings, address: str, *spellings: str) -> Explanation:
    """Return what the marts and the verdicts say of a client, whom an old lake may have under other spellings too.

    Raises:
        ServiceError: there are no marts yet.
        psycopg2.Error: PostgreSQL does not answer.
    """
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection:
        connection.set_session(readonly=True)
        try:
            values = {"address": address, "spellings": [address, f"::ffff:{address}", *spellings]}
            rulings = _rows(connection, VERDICT, values)
            suspects = _rows(connection, SUSPECT, values)
            rules = _rows(connection, RULES, {"reasons": suspects[0]["reasons"]}) if suspects else []
        except psycopg2.errors.UndefinedTable as error:
            raise ServiceError(f"there are no marts yet that could explain {address}; run `make dbt` first") from error
    return Explanation(
        address,
        Ruling(**rulings[0]) if rulings else None,
        _suspicion(suspects[0], rules) if suspects else None,
    )


def raw_records(settings: Settings, address: str, number: int) -> RawRecords:
    """Return the client's newest records as they came; starts a Spark session for it.

    They are those that were the client's on arrival, and those that are under today's settings.
    """
    known = clients(settings.ranges_file)
    with quiet_session(settings, "explain") as session:
        horizon = read_horizon(properties(session, settings.bronze))
        own = records_of(session.read.format("delta").load(settings.bronze), address, load_rules(settings))
        counts = own.agg(F.count("*").alias("records"), F.count_distinct("product_id").alias("products")).collect()[0]
        newest = own.orderBy(F.col("occurred_at").desc(), F.col("kafka_offset").desc()).limit(number)
        values = [bytes(row["value"] or b"") for row in newest.select("value").collect()]
        seen = [F.min("window_start").alias("first"), F.max("window_start").alias("last")]
        agents = own.filter("reject_reason is null and user_agent is not null").groupBy("user_agent").agg(*seen)
        rows = agents.orderBy("user_agent").limit(MOST_AGENTS).collect()
    agents_seen = [AgentSeen(row["user_agent"], _utc(row["first"]), _utc(row["last"])) for row in rows]
    texts = tuple(value.decode(errors="replace").rstrip() for value in values)
    claims = claims_of(address, agents_seen, known)
    since = horizon.day.isoformat() if horizon else None
    return RawRecords(counts["records"], counts["products"], texts, claims, since)


def claims_of(address: str, agents: list[AgentSeen], known: Clients) -> tuple[str, ...]:
    """Say of each operator whose crawler a client says it is whether its address bears that out; one line each."""
    lines: dict[str, str] = {}
    for seen in agents:
        operator = claimed_operator(seen.agent)
        if operator is None or operator not in known.ranges:
            continue
        client, noted = known.of(address, seen.agent), f"list of {known.ranges[operator].as_of}"
        span = (client.impostor_from, client.impostor_until)
        claim = f"it says that it is a crawler of {operator}"
        if known.origin(address) is None:
            lines[operator] = f"{claim}; that cannot be checked: its address is no public one"
        elif span == NEVER:
            lines[operator] = f"{claim}, and its address is among that operator's ({noted})"
        elif seen.last.timestamp() * SECOND >= span[0] and seen.first.timestamp() * SECOND < span[1]:
            lines[operator] = f"{claim}, and its address is none of that operator's ({noted})"
        else:
            days = f"{seen.first:%Y-%m-%d} to {seen.last:%Y-%m-%d}"
            text = f"{claim}; unverified, no evidence: its address is none of the {noted}, but its events are of {days}"
            lines.setdefault(operator, text)
    return tuple(lines[operator] for operator in sorted(lines))


def _utc(time: dt.datetime) -> dt.datetime:
    """Give a time of Spark's, which is in the zone of this process, its zone."""
    return time.astimezone(dt.timezone.utc)


def _rows(connection: Connection, query: str, values: Mapping[str, object]) -> list[dict[str, Any]]:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("set timezone = 'UTC'")
        cursor.execute(query, values)
        return [dict(row) for row in cursor.fetchall()]


def _suspicion(row: dict[str, Any], rules: list[dict[str, Any]]) -> Suspicion:
    figures = row.pop("figures")
    row["reasons"] = tuple(Reason(**rule, figure=figures.get(rule["reason"], 0)) for rule in rules)
    row["share"] = row["share"] or 0.0
    return Suspicion(class_name=row.pop("class"), **row)


def _plain(value: Ruling | Suspicion) -> dict[str, object]:
    """Return the fields of a value, its times as text."""
    return {
        name: field.isoformat() if isinstance(field, dt.datetime) else field for name, field in asdict(value).items()
    }
