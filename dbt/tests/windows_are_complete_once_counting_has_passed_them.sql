-- A window is complete if counting has passed its end, whether or not the last run touched it.
with windows as (
    select
        'traffic' as mart,
        window_start + interval '1 minute' as ends_at,
        is_complete
    from {{ ref('traffic') }}

    union all
    select
        'payment_errors' as mart,
        window_start + interval '1 minute' as ends_at,
        is_complete
    from {{ ref('payment_errors') }}

    union all
    select
        'product_views' as mart,
        window_start + interval '5 minutes' as ends_at,
        is_complete
    from {{ ref('product_views') }}

    union all
    select
        'action_counts' as mart,
        window_start + interval '5 minutes' as ends_at,
        is_complete
    from {{ ref('action_counts') }}

    union all
    select
        'rejected' as mart,
        window_start + interval '5 minutes' as ends_at,
        is_complete
    from {{ ref('rejected') }}

    union all
    select
        'bot_traffic' as mart,
        window_start + interval '5 minutes' as ends_at,
        is_complete
    from {{ ref('bot_traffic') }}

    union all
    select
        'visitors' as mart,
        hour_start + interval '1 hour' as ends_at,
        is_complete
    from {{ ref('visitors') }}

    union all
    select
        'bot_classes' as mart,
        day_start + interval '1 day' as ends_at,
        is_complete
    from {{ ref('bot_classes') }}
),

build as (
    select * from {{ ref('build_info') }}
)

select
    windows.mart,
    windows.ends_at
from windows
cross join build
where windows.is_complete is distinct from coalesce(windows.ends_at <= build.whole_until, false)
