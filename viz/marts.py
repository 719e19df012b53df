"""Reads the marts as the role analyst."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from lake.settings import Settings

LAST_DAY = "select max(window_start) - interval '24 hours' from marts.traffic"


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


def read_all(connection: Connection, queries: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Return the rows of each query, by its name; its parameter ``since`` is a day before the newest traffic."""
    since = connection.execute(text(LAST_DAY)).scalar()
    return {name: read(connection, query, {"since": since}) for name, query in queries.items()}


def read(connection: Connection, query: str, parameters: dict[str, Any]) -> pd.DataFrame:
    """Return the query's rows; times are UTC, also where there are no rows."""
    frame = pd.read_sql(text(query), connection, params=parameters)
    times = [name for name in frame.columns if name.endswith("_at") or name in ("window_start", "day_start")]
    for name in times:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame
