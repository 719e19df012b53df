-- One row per five minutes with events and class of bots, and one for people: all that the ledger counts as theirs.
{%- set width = '5 minutes' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key='window_start',
        indexes=[{'columns': ['version']}],
    )
}}

{%- set minutes = as_changed('traffic', in_window('window_start', 'changed.window_start', width)) %}
{%- set reclassified %}
    select bot_windows.window_start from scores
    inner join bot_windows on scores.ip_address = bot_windows.ip_address
    where scores.class_version > {{ built_version() }} and bot_windows.events > 0
    union
    select {{ window_of('traffic.window_start', width) }} as window_start from {{ changes_of('traffic') }} as traffic
{%- endset %}

with scores as not materialized (
    select * from {{ ref('client_scores') }}
),

{{ changed_rows('bot_windows', ['window_start'], also=reclassified) }},

-- All that is not a bot's is people's: the ledger counts each event as one or the other.
totals as (
    select
        changed.window_start,
        'people' as class,
        {{ total('traffic.human_events') }} as events,
        max(traffic.version) as version
    from changed
    cross join lateral ({{ minutes }}) as traffic
    group by changed.window_start
    union all
    select
        changed.window_start,
        coalesce(scores.class, 'unclear') as class,
        {{ total('bot_windows.events') }} as events,
        max(greatest(bot_windows.version, scores.class_version)) as version
    from changed
    inner join bot_windows on changed.window_start = bot_windows.window_start
    inner join scores on bot_windows.ip_address = scores.ip_address
    where bot_windows.events > 0
    group by changed.window_start, coalesce(scores.class, 'unclear')
),

final as (
    select
        window_start,
        class,
        events,
        -- The window's rows are published together, so they share their version.
        max(version) over (partition by window_start) as version,
        events as requests,
        {{ window_columns('window_start', width) }}
    from totals
)

select * from final
