"""A proxy that nobody has declared: one address that sends most of the traffic, with many user agents."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import cast

from lake.addresses import IS_ADDRESS
from lake.proxies import NAME, load_proxies
from lake.settings import Settings
from stack.servers import postgres

IS_BUILT = "select to_regclass('staging.client_days') is not null"
BUSIEST = """
    with busiest as (
        select ip_address, day_start, requests
        from staging.client_days
        where requests >= 100 and least(agents_0, agents_1, agents_2, agents_3) > 0
        order by requests desc
        limit 5
    )
    select
        ip_address,
        (day_start at time zone 'UTC')::date as day,
        busiest.requests::float8 / sum(others.requests) as share
    from busiest
    inner join lateral (
        select requests from staging.client_days where client_days.day_start = busiest.day_start
    ) as others on true
    group by ip_address, day_start, busiest.requests
    having busiest.requests > 0.5 * sum(others.requests)
    order by day_start desc
"""
"""The clients that sent most of a day's requests, with agents of all hash groups; the newest day first."""


def proxy_advice(settings: Settings) -> str | None:
    """Return what to do about a proxy that is counted as a client; None if there seems to be none, or no marts.

    Raises:
        psycopg2.Error: PostgreSQL does not answer.
    """
    ((is_built,),) = postgres.query(settings, "dbt", IS_BUILT)
    rows = postgres.query(settings, "dbt", BUSIEST) if is_built else []
    for address, day, share in rows:
        if re.search(IS_ADDRESS, str(address)):
            return advice(str(address), cast(dt.date, day), float(str(share)), settings.trusted_proxies)
    return None


def advice(address: str, day: dt.date, share: float, trusted: str) -> str:
    """Return what to do about an address that sent that share of a day's requests, given ``TRUSTED_PROXIES``."""
    seen = f"{address} sent {share:.0%} of the requests of {day}, with many user agents"
    replay = f"`make replay FROM={day} TO={day + dt.timedelta(days=1)}`"
    if any(ipaddress.ip_address(address) in network for network in load_proxies(trusted).networks):
        return (
            f"{seen}, and is a trusted proxy: if its lines name the clients behind it (docs/logs.md says where), run "
            f"{replay}; if not, have your server log X-Forwarded-For"
        )
    return (
        f"{seen}: if it is a proxy of yours, it hides the clients behind it; run "
        f'`make up {NAME}="{trusted},{address}"`, and then {replay}'
    )
