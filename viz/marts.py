"""Reads the marts as the role charts, which may only read them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from lake.settings import OUR_SESSION, Settings
from viz.span import MINUTE, Span, time_span

RANGE = """
select min(window_start) as first_at, max(window_start) as newest_at
from marts.traffic
where events > 0
"""
BUSY = """
select unnest(array[min(window_start), max(window_start)]) as window_start
from marts.traffic
where events > (select max(events) from marts.traffic) / 100.0
group by date_bin('1 hour', window_start, 'epoch')
"""
"""Of each hour the first and the last minute with more than a hundredth of the events of the busiest minute."""
LEFT_OUT = """
select cast(coalesce(sum(events), 0) as bigint) as events
from marts.traffic
where not window_start <@ cast(:sections as tstzmultirange)
"""


def connect(settings: Settings) -> Engine:
    """Return an engine that opens one connection per use, as the role that may only read the marts.

    All queries of a connection read the same edition of the marts, also when a new one is published in between.
    """
    url = URL.create(
        "postgresql+psycopg2",
        username="charts",
        password=settings.password("charts"),
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_database,
    )
    arguments = {
        "connect_timeout": 5,
        "application_name": "weblake-charts",
        "options": f"{OUR_SESSION} -c timezone=UTC",
    }
    return create_engine(url, poolclass=NullPool, connect_args=arguments, isolation_level="REPEATABLE READ")


def read_all(connection: Connection, queries: dict[str, str]) -> tuple[Span | None, dict[str, pd.DataFrame]]:
    """Return the span of the traffic, and the rows of each query by its name; its parameter ``step`` is the span's."""
    span = read_span(connection)
    step = (span.step if span else MINUTE).to_pytimedelta()
    return span, {name: read(connection, query, {"step": step}) for name, query in queries.items()}


def read_span(connection: Connection) -> Span | None:
    """Return the span of the traffic, None where there is none."""
    bounds = read(connection, RANGE, {}).iloc[0]
    if pd.isna(bounds["first_at"]):
        return None
    span = time_span(read(connection, BUSY, {})["window_start"], bounds["first_at"], bounds["newest_at"])
    sections = ",".join(f"[{start.isoformat()},{end.isoformat()})" for start, end in span.sections)
    return span.without(int(read(connection, LEFT_OUT, {"sections": f"{{{sections}}}"})["events"].iloc[0]))


def read(connection: Connection, query: str, parameters: dict[str, Any]) -> pd.DataFrame:
    """Return the query's rows; times are UTC, also where there are no rows."""
    frame = pd.read_sql(text(query), connection, params=parameters)
    times = [name for name in frame.columns if name.endswith("_at") or name in ("window_start", "day_start")]
    for name in times:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame
