-- One row per five minutes with events and class of bots, and one for people: all that the ledger counts as theirs.
{%- set width = '5 minutes' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key='window_start',
        indexes=[{'columns': ['version']}],
    )
}}

{%- set reclassified %}
    select {{ window_of('client_minutes.window_start', width) }} as window_start from scores
    inner join client_minutes on scores.ip_address = client_minutes.ip_address
    where scores.class_version > {{ built_version() }} and client_minutes.bot_requests > 0
{%- endset %}

with scores as not materialized (
    select * from {{ ref('client_scores') }}
),

{{ changed_rows('client_minutes', [window_of('window_start', width) ~ ' as window_start'], also=reclassified) }},

totals as (
    select
        changed.window_start,
        part.class,
        {{ total('part.requests') }} as events,
        max(greatest(client_minutes.version, scores.class_version)) as version
    from changed
    inner join client_minutes
        on {{ in_window('client_minutes.window_start', 'changed.window_start', width) }}
    inner join scores on client_minutes.ip_address = scores.ip_address
    {{ people_and_bots('client_minutes', ['requests']) }}
    where part.class = 'people' or part.requests > 0
    group by changed.window_start, part.class
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
