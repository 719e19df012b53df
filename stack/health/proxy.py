"""A proxy that nobody has declared: one address that sends most of the traffic, with many user agents."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import cast

from lake.proxies import NAME, load_proxies
from lake.settings import Settings
from stack.servers import postgres

IS_BUILT = "select to_regclass('staging.crowds') is not null"
BUSIEST = """
    with days as (
        select day_start, sum(requests) as requests from staging.client_days group by day_start
    )
    select
        clients.ip_address,
        (min(day_start) at time zone 'UTC')::date as first_day,
        (max(day_start) at time zone 'UTC')::date as last_day,
        sum(clients.requests)::float8 / sum(days.requests) as share
    from staging.client_days as clients
    inner join days using (day_start)
    where
        clients.requests >= 100
        and least(agents_0, agents_1, agents_2, agents_3) > 0
        and 2 * clients.requests > days.requests
        and exists (select from staging.crowds where crowds.ip_address = clients.ip_address and crowds.is_address)
    group by clients.ip_address
    order by last_day desc
    limit 1
"""
"""The address that sent most of a day's requests, with agents of all hash groups: on which days, the newest ones."""


def proxy_advice(settings: Settings) -> str | None:
    """Return what to do about a proxy that is counted as a client; None if there seems to be none, or no marts.

    Raises:
        psycopg2.Error: PostgreSQL does not answer.
    """
    ((is_built,),) = postgres.query(settings, "dbt", IS_BUILT)
    rows = postgres.query(settings, "dbt", BUSIEST) if is_built else []
    for address, first, last, share in rows:
        days = cast(dt.date, first), cast(dt.date, last)
        return advice(str(address), days, float(str(share)), settings.trusted_proxies)
    return None


def advice(address: str, days: tuple[dt.date, dt.date], share: float, trusted: str) -> str:
    """Return what to do about an address that sent that share of the requests of days, the first and the last of them.

    ``trusted`` is the setting ``TRUSTED_PROXIES``.
    """
    first, last = days
    when = f"of {first}" if first == last else f"of days from {first} to {last}"
    seen = f"{address} sent {share:.0%} of the requests {when}, with many user agents"
    replay = f"`make replay FROM={first} TO={last + dt.timedelta(days=1)}`"
    if any(ipaddress.ip_address(address) in network for network in load_proxies(trusted).networks):
        return (
            f"{seen}, and is a trusted proxy: if its lines name the clients behind it (docs/logs.md says where), run "
            f"{replay}; if not, have your server log X-Forwarded-For"
        )
    return (
        f"{seen}: if it is a proxy of yours, it hides the clients behind it; run "
        f'`make up {NAME}="{trusted},{address}"`, and then {replay}'
    )
