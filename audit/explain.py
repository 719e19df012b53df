"""Why a client is taken for a bot, or not: ``python -m audit.explain --ip 203.0.113.7`` (``make explain IP=``).

The verdict, each reason with its arithmetic, and the raw records behind it, from bronze.
"""

from __future__ import annotations

import argparse
import ipaddress
import sys
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from audit.__main__ import java_kept_quiet
from lake.errors import SettingsError, WeblakeError
from lake.settings import Settings, load_settings
from spark.session import spark_session

RULES = """
    select rules.reason, rules.points, rules.threshold, rules.meaning
    from marts.bot_rules as rules where rules.reason = any(%s) order by rules.points desc, rules.reason
"""


def main() -> int:
    """Print the explanation; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make explain", description=__doc__)
    parser.add_argument("--ip", default="", help="the client's address, as the marts write it")
    parser.add_argument("--lines", type=int, default=20, help="how many raw records to show (default 20)")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        try:
            ipaddress.ip_address(arguments.ip)
        except ValueError as error:
            raise SettingsError(f"IP={arguments.ip!r} is no address; give it as the marts write it") from error
        sys.stdout.write("\n".join(told(settings, arguments.ip)) + "\n")
        sys.stdout.flush()
        sys.stdout.write("\n".join(raw_records(settings, arguments.ip, arguments.lines)) + "\n")
    except (WeblakeError, psycopg2.Error, PySparkException) as error:
        sys.stderr.write(f"weblake: {str(error).strip()}\n")
        return 1
    return 0


def told(settings: Settings, address: str) -> list[str]:
    """Return what the marts and the verdicts say of a client, line by line."""
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection:
        verdict = next(iter(_rows(connection, "select * from silver.verdicts where ip_address = %s", address)), None)
        client = next(iter(_rows(connection, "select * from marts.bots where ip_address = %s", address)), None)
        rules = _rows(connection, RULES, client["reasons"] if client else [])
    lines = [address]
    if verdict:
        at = f"{verdict['decided_at']:%Y-%m-%d %H:%M:%S}Z"
        lines.append(f"  {verdict['verdict']} by {verdict['decided_by']} on {at}: {verdict['reason']}")
    if client is None:
        return [*lines, "  not suspected: nothing that the rules know speaks against it (or it was never seen)"]
    state = "over" if client["is_convicted"] else "below"
    lines.append(f"  score {client['score']}, {state} the threshold; class {client['class']}")
    lines += [_reason(rule, client["figures"]) for rule in rules]
    seen = f"{client['first_seen_at']:%Y-%m-%d %H:%M}Z to {client['last_seen_at']:%Y-%m-%d %H:%M}Z"
    requests = f"{client['requests']:,} requests ({100 * float(client['share_of_traffic'] or 0):.2f} % of all)"
    return [*lines, f"  {requests}, {client['errors']:,} errors, seen {seen}"]


def _rows(connection: Connection, query: str, value: object) -> list[dict[str, Any]]:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query, (value,))
        return [dict(row) for row in cursor.fetchall()]


def _reason(rule: dict[str, Any], figures: dict[str, int]) -> str:
    figure = figures.get(rule["reason"], 0)
    return f"  {rule['points']:+4d}  {rule['reason']:<18} {figure:,} >= {rule['threshold']:,}  {rule['meaning']}"


def raw_records(settings: Settings, address: str, number: int) -> list[str]:
    """Return the client's newest records as they came, line by line, and how many products they touch."""
    with java_kept_quiet():
        session = spark_session(settings, app="explain")
    session.sparkContext.setLogLevel("OFF")
    try:
        own = session.read.format("delta").load(settings.bronze).filter(F.col("ip_address") == address)
        counts = own.agg(F.count("*").alias("records"), F.count_distinct("product_id").alias("products")).collect()[0]
        newest = own.orderBy(F.col("occurred_at").desc(), F.col("kafka_offset").desc()).limit(number)
        values = [bytes(row["value"] or b"") for row in newest.select("value").collect()]
    finally:
        session.stop()
    title = f"  {counts['records']:,} records in bronze on {counts['products']:,} products; the newest {len(values)}:"
    return [title, *(f"    {value.decode(errors='replace').rstrip()}" for value in values)]


if __name__ == "__main__":
    sys.exit(main())
