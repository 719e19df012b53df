"""What the charts ask the marts, as the role analyst. Each query reads no more than its chart shows."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from lake.settings import Settings

LAST_DAY = "select max(window_start) - interval '24 hours' from marts.traffic"
"""After when the queries of charts over time look: their parameter ``since``."""

QUERIES = {
    "top_products": """
        select
            product_id, human_views, bot_views,
            min(first_seen_at) over () as first_seen_at, max(last_seen_at) over () as last_seen_at
        from marts.products
        where views > 0
        order by views desc, product_id
        limit 12
    """,
    "actions": """
        select
            action, action_count,
            (select min(window_start) from marts.action_counts where action_count > 0) as first_seen_at,
            (select max(window_start) from marts.action_counts where action_count > 0) as last_seen_at
        from marts.actions
        order by action_count desc, action
    """,
    "payment_errors": """
        select window_start, checkouts, error_count
        from marts.payment_errors
        where window_start > :since
        order by window_start
    """,
    "bots": """
        select
            ip_address, class, is_convicted, score, requests, reasons, points,
            count(*) over () as bots,
            min(first_seen_at) over () as first_seen_at, max(last_seen_at) over () as last_seen_at
        from marts.bots
        order by requests desc, ip_address
        limit 12
    """,
    "bot_requests": """
        select window_start, class, requests
        from marts.bot_traffic
        where window_start > :since and class != 'people' and requests > 0
        order by window_start
    """,
    "conversion": """
        select distinct day_start, conversion_with_bots, conversion_without_bots
        from marts.bot_classes
        order by day_start
    """,
    "traffic": """
        select window_start, human_events, bot_events, late_events
        from marts.traffic
        where window_start > :since and human_events + bot_events > 0
        order by window_start
    """,
}
"""Chart -> its query."""


def connect(settings: Settings) -> Engine:
    """Return an engine that opens one connection per use, as the role that may only read the marts."""
    url = URL.create(
        "postgresql+psycopg2",
        username="analyst",
        password=settings.password("analyst"),
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_database,
    )
    arguments = {"connect_timeout": 5, "application_name": "weblake-charts", "options": "-c timezone=UTC"}
    return create_engine(url, poolclass=NullPool, connect_args=arguments)


def read_all(connection: Connection) -> dict[str, pd.DataFrame]:
    """Return the rows of each chart, by its name."""
    since = connection.execute(text(LAST_DAY)).scalar()
    return {name: read(connection, query, {"since": since}) for name, query in QUERIES.items()}


def read(connection: Connection, query: str, parameters: dict[str, Any]) -> pd.DataFrame:
    """Return the query's rows; times are UTC, also where there are no rows."""
    frame = pd.read_sql(text(query), connection, params=parameters)
    times = [name for name in frame.columns if name.endswith("_at") or name in ("window_start", "day_start")]
    for name in times:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame
