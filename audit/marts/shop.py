"""The marts of products, actions, payments and traffic, in plain SQL over PostgreSQL's counts."""

from __future__ import annotations

from audit.marts.mart import Mart

PRODUCTS = Mart(
    "products",
    ("product_id",),
    (
        *("views", "add_to_carts", "checkouts", "human_views", "human_add_to_carts", "human_checkouts"),
        *("bot_views", "bot_add_to_carts", "bot_checkouts"),
        *("cart_rate", "checkout_rate", "human_cart_rate", "human_checkout_rate"),
        *("events", "first_seen_at", "last_seen_at", "version"),
    ),
    """
    with parts as (  -- What names no product is all that was counted without what the products have.
        select key as product_id, is_bot, events, views, add_to_carts, checkouts, version, first_at, last_at
        from cells where dimension = 'product'
        union all
        select '', is_bot, sign * events, sign * views, sign * add_to_carts, sign * checkouts, null, null, null
        from cells join (values ('all', 1), ('product', -1)) as signs (dimension, sign) using (dimension)
        union all
        select '', false, 0, 0, 0, 0, version, null, null from cells where dimension in ('action', 'product')
    )
    select *, round(add_to_carts / nullif(views, 0), 4) as cart_rate,
        round(checkouts / nullif(views, 0), 4) as checkout_rate,
        round(human_add_to_carts / nullif(human_views, 0), 4) as human_cart_rate,
        round(human_checkouts / nullif(human_views, 0), 4) as human_checkout_rate
    from (
        select product_id, max(version) as version, sum(events) as events,
            sum(views) as views, sum(add_to_carts) as add_to_carts, sum(checkouts) as checkouts,
            sum(case when is_bot then 0 else views end) as human_views,
            sum(case when is_bot then 0 else add_to_carts end) as human_add_to_carts,
            sum(case when is_bot then 0 else checkouts end) as human_checkouts,
            sum(case when is_bot then views else 0 end) as bot_views,
            sum(case when is_bot then add_to_carts else 0 end) as bot_add_to_carts,
            sum(case when is_bot then checkouts else 0 end) as bot_checkouts,
            min(first_at) as first_seen_at, max(last_at) as last_seen_at
        from parts group by product_id
    ) as sums
    """,
)
ACTIONS = Mart(
    "actions",
    ("action",),
    (
        *("events", "human_events", "bot_events", "share", "human_client_errors", "human_server_errors"),
        *("avg_response_ms", "version"),
    ),
    """
    select *, round(events / sum(events) over (), 4) as share,
        round(milliseconds / nullif(timed, 0), 1) as avg_response_ms
    from (
        select key as action, sum(events) as events, max(version) as version {sums},
            sum(case when is_bot then 0 else events end) as human_events,
            sum(case when is_bot then events else 0 end) as bot_events,
            sum(case when is_bot then 0 else client_errors end) as human_client_errors,
            sum(case when is_bot then 0 else server_errors end) as human_server_errors,
            sum(response_ms) as milliseconds, sum(timed_events) as timed
        from cells where dimension = 'action' group by key having sum(events) <> 0
    ) as sums
    """,
    aliases={"action_count": "events", "human_count": "human_events", "bot_count": "bot_events"},
)
PRODUCT_VIEWS = Mart(
    "product_views",
    ("window_start", "product_id"),
    (
        *("views", "human_views", "human_add_to_carts", "human_checkouts", "human_failed_checkouts"),
        *("first_seen_at", "last_seen_at", "version"),
    ),
    """
    select to_timestamp(five_minutes * 300) as window_start, key as product_id, sum(views) as views {sums},
        sum(case when is_bot then 0 else views end) as human_views,
        sum(case when is_bot then 0 else add_to_carts end) as human_add_to_carts,
        sum(case when is_bot then 0 else checkouts end) as human_checkouts,
        sum(case when is_bot then 0 else failed_checkouts end) as human_failed_checkouts,
        min(first_at) as first_seen_at, max(last_at) as last_seen_at, max(version) as version
    from (select *, extract(epoch from window_start)::bigint / 300 as five_minutes from cells) as cells
    where dimension = 'product' group by five_minutes, key
    """,
    aliases={"view_count": "views"},
    is_by_window=True,
    window_seconds=300,
)
ACTION_COUNTS = Mart(
    "action_counts",
    ("window_start", "action"),
    (
        *("events", "human_events", "bot_events", "share", "human_client_errors", "human_server_errors"),
        *("human_response_ms", "human_timed_events", "version"),
    ),
    """
    select *, to_timestamp(five_minutes * 300) as window_start,
        round(events / nullif(sum(events) over (partition by five_minutes), 0), 4) as share,
        max(changed) over (partition by five_minutes) as version
    from (
        select extract(epoch from window_start)::bigint / 300 as five_minutes, key as action,
            sum(events) as events, max(version) as changed {sums},
            sum(case when is_bot then 0 else events end) as human_events,
            sum(case when is_bot then events else 0 end) as bot_events,
            sum(case when is_bot then 0 else client_errors end) as human_client_errors,
            sum(case when is_bot then 0 else server_errors end) as human_server_errors,
            sum(case when is_bot then 0 else response_ms end) as human_response_ms,
            sum(case when is_bot then 0 else timed_events end) as human_timed_events
        from cells where dimension = 'action' group by 1, key
    ) as sums
    """,
    aliases={
        "action_count": "events",
        "action_ratio": "share",
        "human_count": "human_events",
        "bot_count": "bot_events",
    },
    is_by_window=True,
    window_seconds=300,
)
PAYMENT_ERRORS = Mart(
    "payment_errors",
    ("window_start",),
    (
        *("checkouts", "payment_errors", "error_rate", "declined_count", "human_checkouts"),
        *("human_payment_errors", "human_declined_count", "human_error_rate", "version"),
    ),
    """
    select *, round(payment_errors / nullif(checkouts, 0), 4) as error_rate,
        round(human_payment_errors / nullif(human_checkouts, 0), 4) as human_error_rate
    from (
        select to_timestamp(minute * 60) as window_start, sum(checkouts) as checkouts,
            sum(payment_errors) as payment_errors, sum(failed_checkouts) - sum(payment_errors) as declined_count,
            sum(case when is_bot then 0 else checkouts end) as human_checkouts,
            sum(case when is_bot then 0 else payment_errors end) as human_payment_errors,
            sum(case when is_bot then 0 else failed_checkouts - payment_errors end) as human_declined_count,
            max(version) as version {sums}
        from (select *, extract(epoch from window_start)::bigint / 60 as minute from cells) as cells
        where dimension = 'all' group by minute
    ) as sums
    """,
    aliases={"error_count": "payment_errors", "human_error_count": "human_payment_errors"},
    is_by_window=True,
    window_seconds=60,
)
TRAFFIC = Mart(
    "traffic",
    ("window_start",),
    (
        *("events", "human_events", "bot_events", "human_page_requests", "bot_page_requests"),
        *("human_views", "human_add_to_carts", "version"),
    ),
    """
    select to_timestamp(minute * 60) as window_start, max(version) as version {sums},
        sum(events) as events, sum(case when is_bot then 0 else events end) as human_events,
        sum(case when is_bot then events else 0 end) as bot_events,
        sum(case when is_bot then 0 else views end) as human_views,
        sum(case when is_bot then 0 else add_to_carts end) as human_add_to_carts,
        sum(case when is_bot then 0 else events - assets end) as human_page_requests,
        sum(case when is_bot then events - assets else 0 end) as bot_page_requests
    from (select *, extract(epoch from window_start)::bigint / 60 as minute from cells) as cells
    where dimension = 'all' group by minute
    """,
    is_by_window=True,
    window_seconds=60,
)
STATUSES = Mart(
    "statuses",
    ("status",),
    ("events", "human_events", "bot_events", "version"),
    """
    select key as status, max(version) as version, sum(events) as events,
        sum(case when is_bot then 0 else events end) as human_events,
        sum(case when is_bot then events else 0 end) as bot_events
    from cells where dimension = 'status' group by key
    """,
    aliases={"requests": "events"},
)
REJECTED = Mart(
    "rejected",
    ("window_start", "reason", "format"),
    ("records", "version"),
    """
    select to_timestamp(five_minutes * 300) as window_start, parts[1] as reason, parts[2] as format,
        sum(events) as records, max(version) as version
    from (
        select *, extract(epoch from window_start)::bigint / 300 as five_minutes, string_to_array(key, '|') as parts
        from cells where dimension = 'rejected'
    ) as cells
    group by five_minutes, parts
    """,
    is_by_window=True,
    window_seconds=300,
)

VISITORS = Mart(
    "visitors",
    ("hour_start",),
    ("people", "bots", "human_page_requests", "bot_page_requests"),
    """
    select to_timestamp(minute / 60 * 3600) as hour_start,
        count(distinct key) filter (where requests > 0 and not is_bot) as people,
        count(distinct key) filter (where requests > 0 and is_bot) as bots,
        sum(case when is_bot then 0 else requests end) as human_page_requests,
        sum(case when is_bot then requests else 0 end) as bot_page_requests
    from activity group by minute / 60
    """,
    window_seconds=3600,
    unchecked=("version",),
)

SHOP_MARTS = (PRODUCTS, ACTIONS, PRODUCT_VIEWS, ACTION_COUNTS, PAYMENT_ERRORS, TRAFFIC, STATUSES, REJECTED, VISITORS)
