"""The marts of bots: the evidence against each client, worked out again from PostgreSQL's counts.

Points and thresholds are those that ``marts.bot_rules`` publishes. What a rule measures is written here once more, from
what the rule says; the score follows from both, and so does the class. Who is a bot is what the counts say.
"""

from __future__ import annotations

import yaml
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from audit.marts.mart import ACTIVITY, Mart, cells
from lake.settings import PROJECT

FIGURES = {
    "impostor": "case when is_declared and impostor_events * 2 >= events then impostor_events end",
    "declared_crawler": "case when is_declared and crawler_events * 2 >= events then crawler_events end",
    "declared_tool": "case when is_declared and tool_events * 2 >= events then tool_events end",
    "no_agent": "case when no_agent * 2 >= events then no_agent end",
    "probing": "case when not is_crowd then probes_of_a_day when probes >= requests * 0.9 then probes end",
    "robots_read": "case when not is_many then robots_reads end",
    "many_searches": "case when not is_many then searches end",
    "robots_disobeyed": (
        "case when robots_reads > 0 and not fills_carts and not is_many "
        "and (add_to_carts + checkouts + posts) >= requests / 4 then add_to_carts + checkouts + posts end"
    ),
    "buys": "case when paid > 0 and add_to_carts * 50 >= views then add_to_carts end",
    "many_agents": (
        "case when not is_crowd and not fills_carts "
        "then (agents_0 > 0)::int + (agents_1 > 0)::int + (agents_2 > 0)::int + (agents_3 > 0)::int end"
    ),
    "card_testing": "case when not is_many then refused_of_a_day when refused * 3 >= requests then refused end",
    "catalogue_walk": "case when not is_crowd then walked_of_a_day end",
    "form_hammering": "case when not is_crowd then posts_of_a_day when posts >= requests * 0.9 then posts end",
    "no_assets": "case when not is_crowd then bare_pages_of_a_day end",
    "page_guessing": (
        "case when not is_crowd then missed_pages_of_a_day when not_found >= events * 0.9 then not_found end"
    ),
    "network_walk": "case when not is_crowd then walked_by_others end",
    "request_rate": "case when not is_many then peak_requests_per_minute end",
    "never_pauses": "case when not (is_crowd or (has_many_agents and fills_carts)) then active_minutes end",
    "steady_pace": "case when not is_crowd and (assets = 0 or assets * 20 < requests) then steady_minutes end",
}
"""Rule -> the figure that it measures of a client; null is as good as 0."""

SCRATCH = """
    create temporary table audit_clients (
        ip_address text primary key, score bigint, class text, would_convict boolean, is_suspected boolean,
        is_crowd boolean, reasons text[], points int[], figures jsonb, peak_requests_per_minute bigint,
        active_minutes bigint, steady_minutes bigint, version bigint
    ) on commit drop
"""
"""A table of the audit's own, which PostgreSQL drops when the snapshot ends."""

SCORES = """
    with cells as (
        select *, extract(epoch from window_start)::bigint / 86400 as day from ({cells}) as cells
        where dimension = 'client'
    ),
    minutes as (
        select key, minute, sum(requests)::bigint as requests from ({activity}) as activity group by key, minute
    ),
    sixties as (  -- each minute of a client, with the sixty minutes of the day that end with it
        select key, requests, count(*) filter (where requests > 0) over sixty as active,
            sum(requests) over sixty as together, sum(requests * requests) over sixty as squares
        from minutes
        window sixty as (partition by key, minute / 1440 order by minute range between 59 preceding and current row)
    ),
    paces as (  -- steady: the variance of the sixty minutes is less than 0.35 of their mean
        select key, max(requests) as peak_requests_per_minute, max(active) as active_minutes,
            coalesce(max(case when 60 * squares < together * (together + 21) then active end), 0) as steady_minutes
        from sixties group by key
    ),
    days as (
        select key, day, sum(events) as events, sum(events - assets) as requests, sum(views) as views,
            sum(add_to_carts) as add_to_carts, sum(checkouts) as checkouts, sum(failed_checkouts) as failed_checkouts,
            sum(payment_errors) as payment_errors, sum(pages) as pages, sum(assets) as assets, sum(posts) as posts,
            sum(not_found) as not_found, sum(probes) as probes, sum(robots_reads) as robots_reads,
            sum(searches) as searches,
            sum(no_agent) as no_agent, sum(crawler_events) as crawler_events, sum(tool_events) as tool_events,
            sum(impostor_events) as impostor_events, sum(agents_0) as agents_0, sum(agents_1) as agents_1,
            sum(agents_2) as agents_2, sum(agents_3) as agents_3, max(version) as version,
            case when not pg_input_is_valid(key, 'inet') then null when family(key::inet) = 4
                then key::inet & inet '255.255.255.0' else key::inet & inet 'ffff:ffff:ffff:ffff::' end as network
        from cells group by key, day
    ),
    clients as (
        select key, network, sum(events) as events, sum(views) as views, sum(add_to_carts) as add_to_carts,
            sum(checkouts) as checkouts, sum(failed_checkouts) as failed_checkouts, sum(posts) as posts,
            sum(probes) as probes, sum(robots_reads) as robots_reads, sum(no_agent) as no_agent,
            sum(searches) as searches, sum(crawler_events) as crawler_events, sum(tool_events) as tool_events,
            sum(impostor_events) as impostor_events, sum(agents_0) as agents_0, sum(agents_1) as agents_1,
            sum(agents_2) as agents_2, sum(agents_3) as agents_3, max(version) as version,
            sum(requests) as requests, sum(assets) as assets, sum(not_found) as not_found,
            sum(failed_checkouts - payment_errors) as refused, sum(checkouts - failed_checkouts) as paid,
            max(case when probes >= requests / 3 then probes end) as probes_of_a_day,
            max(case when checkouts - failed_checkouts < (failed_checkouts - payment_errors) / 4
                then failed_checkouts - payment_errors end) as refused_of_a_day,
            max(case when add_to_carts < views / 100 then views end) as walked_of_a_day,
            max(case when assets < pages / 20 and pages >= requests / 2 and add_to_carts < pages / 100 then pages end)
                as bare_pages_of_a_day,
            max(case when posts >= requests / 2 then posts end) as posts_of_a_day,
            max(case when not_found >= events / 2 then not_found end) as missed_pages_of_a_day
        from days group by key, network
    ),
    agent_groups as (  -- the smallest group of a client's agents, and its part of all
        select key, min(used) as fewest, min(used) / nullif(sum(used), 0) as smallest_part
        from clients cross join lateral (values (agents_0), (agents_1), (agents_2), (agents_3)) as agents (used)
        group by key
    ),
    people as (
        select key, has_many_agents, is_address,
            add_to_carts > 0 and views >= add_to_carts * 2 and views <= add_to_carts * 100 as fills_carts,
            not is_address or has_many_agents and (
                assets >= requests / 4 or add_to_carts between 5 and views / 2 and paid >= 2
            ) as is_crowd
        from clients join agent_groups using (key) cross join lateral (
            select fewest > 0 and smallest_part >= 0.02 as has_many_agents, pg_input_is_valid(key, 'inet')
                and strpos(key, '/') = 0 and right(key, 2) not in ('.0', '::') as is_address
        ) as signs
    ),
    networks as (
        select network, max(walked) as walked_by_others, max(version) as version
        from (
            select network, max(version) as version, case when count(*) filter (where views > 0) >= 10
                and sum(add_to_carts) < sum(views) / 100 then sum(views) - max(views) end as walked
            from days where network is not null group by network, day
        ) as days
        group by network
    ),
    evidence as (
        select clients.*, is_crowd, is_address, has_many_agents, fills_carts,
            is_crowd or has_many_agents as is_many, crawler_events + tool_events >= events * 0.9 as is_declared,
            peak_requests_per_minute, active_minutes, steady_minutes, walked_by_others,
            greatest(clients.version, networks.version) as newest
        from clients left join networks using (network) join paces using (key)
            join people using (key)
    ),
    scores as (
        select key, greatest(sum(points), 0) as score, array_agg(reason order by points desc, reason) as reasons,
            array_agg(points order by points desc, reason) as points,
            jsonb_object_agg(reason, figure::bigint) filter (where points <> 0) as figures,
            (array_agg(class order by points desc, reason) filter (where class is not null))[1] as class
        from evidence
        cross join lateral (values {figures}) as measured (rule, figure)
        join marts.bot_rules on reason = rule and coalesce(figure, 0) >= threshold
        group by key
    )
    insert into audit_clients
    select key, coalesce(score, 0), coalesce(class, 'unclear'), is_address and coalesce(score, 0) >= {conviction},
        coalesce(score, 0) >= {suspicion}, is_crowd, coalesce(reasons, '{{}}'), coalesce(points, '{{}}'),
        coalesce(figures, '{{}}'), peak_requests_per_minute, active_minutes, steady_minutes, newest
    from evidence left join scores using (key)
"""

BOTS = Mart(
    "bots",
    ("ip_address",),
    (
        *("events", "score", "class", "is_convicted", "would_convict", "verdict", "decided_by", "verdict_reason"),
        *("decided_at", "reasons", "points", "figures", "bot_events", "share", "is_crowd"),
        *("page_requests", "views", "paid_checkouts", "errors"),
        *("peak_requests_per_minute", "active_minutes", "steady_minutes", "first_seen_at", "last_seen_at", "version"),
    ),
    """
    select {client} as ip_address, score, class, would_convict, is_crowd, reasons, points, figures, verdict, decided_by,
        decided_at, verdicts.reason as verdict_reason, events = bot_events as is_convicted, peak_requests_per_minute,
        active_minutes, steady_minutes, version, counts.*,
        round(events / (select sum(events) from cells where dimension = 'action'), 4) as share
    from audit_clients as clients
    join (
        select key, sum(events) as events, sum(events - assets) as page_requests {sums},
            sum(case when is_bot then events else 0 end) as bot_events,
            sum(views) as views, sum(checkouts - failed_checkouts) as paid_checkouts,
            sum(client_errors + server_errors) as errors,
            min(first_at) as first_seen_at, max(last_at) as last_seen_at
        from cells where dimension = 'client' group by key having sum(events) > 0
    ) as counts on counts.key = clients.ip_address
    left join silver.verdicts on verdicts.ip_address = clients.ip_address
    where is_suspected or verdict = 'convicted'
    """,
    client="clients.ip_address",
    aliases={
        "requests": "events",
        "bot_requests": "bot_events",
        "share_of_traffic": "share",
        "product_views": "views",
    },
)
BOT_CLASSES = Mart(
    "bot_classes",
    ("day_start", "class"),
    (
        *("events", "clients", "views", "checkouts"),
        *("conversion", "conversion_with_bots", "conversion_without_bots"),
    ),
    """
    select *, round(checkouts / nullif(views, 0), 4) as conversion,
        round(sum(checkouts) over of_day / nullif(sum(views) over of_day, 0), 4) as conversion_with_bots,
        round(
            sum(case when class = 'people' then checkouts end) over of_day
            / nullif(sum(case when class = 'people' then views end) over of_day, 0), 4
        ) as conversion_without_bots
    from (
        select to_timestamp(day * 86400) as day_start, class, sum(events) as events,
            sum(views) as views, sum(checkouts) as checkouts,
            count(*) filter (where events > 0) as clients {sums}
        from (
            select key, extract(epoch from window_start)::bigint / 86400 as day,
                case when of_bots then class else 'people' end as class,
                coalesce(sum(events) filter (where is_bot = of_bots), 0) as events,
                coalesce(sum(views) filter (where is_bot = of_bots), 0) as views,
                coalesce(sum(checkouts) filter (where is_bot = of_bots), 0) as checkouts,
                coalesce(sum(add_to_carts) filter (where is_bot = of_bots), 0) as add_to_carts,
                coalesce(sum(bytes) filter (where is_bot = of_bots), 0) as bytes
            from cells join audit_clients on ip_address = key cross join (values (true), (false)) as kinds (of_bots)
            where dimension = 'client' group by 1, 2, 3
        ) as days
        group by day, class having class = 'people' or sum(events) > 0
    ) as sums
    window of_day as (partition by day_start)
    """,
    aliases={"requests": "events", "product_views": "views"},
    window_seconds=86_400,
    unchecked=("version",),
)
BOT_TRAFFIC = Mart(
    "bot_traffic",
    ("window_start", "class"),
    ("events",),
    """
    select to_timestamp(five_minutes * 300) as window_start, case when of_bots then class else 'people' end as class,
        coalesce(sum(events) filter (where is_bot = of_bots), 0) as events
    from (select *, minute / 5 as five_minutes from activity) as activity
    join audit_clients on ip_address = key cross join (values (true), (false)) as kinds (of_bots)
    group by five_minutes, of_bots, 2
    having not of_bots or sum(events) filter (where is_bot) > 0
    """,
    aliases={"requests": "events"},
    window_seconds=300,
    unchecked=("version",),
)
BOT_RULES = Mart(
    "bot_rules",
    ("reason",),
    ("points", "threshold", "class", "meaning", "is_weak"),
    """
    select reason, points, threshold, class, meaning, points > 0 and class is null as is_weak
    from unnest({reasons}) as measured (reason) left join staging.bot_rules using (reason)
    """,
    literals={"reasons": list(FIGURES)},
)

BOT_MARTS = (BOTS, BOT_CLASSES, BOT_TRAFFIC, BOT_RULES)


def score_clients(cursor: Cursor) -> None:
    """Fill the table of clients in the cursor's transaction; see :data:`SCRATCH`."""
    scores = yaml.safe_load((PROJECT / "dbt" / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    figures = (sql.SQL("({}, {})").format(sql.Literal(reason), sql.SQL(figure)) for reason, figure in FIGURES.items())
    cursor.execute(
        sql.SQL(SCORES).format(
            cells=cells(),
            activity=sql.SQL(ACTIVITY),
            figures=sql.SQL(", ").join(figures),
            suspicion=sql.Literal(scores["bot_suspicion_score"]),
            conviction=sql.Literal(scores["bot_conviction_score"]),
        )
    )
    cursor.execute("analyze audit_clients")
