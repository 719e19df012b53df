-- One row per five minutes with events and class of convicted clients; people stands for everybody else.
{{
    config(
        unique_key='window_start',
        indexes=[{'columns': ['version']}],
    )
}}

{%- set reclassified %}
    select {{ window_of('client_minutes.window_start', '5 minutes') }} as window_start from scores
    inner join client_minutes on scores.ip_address = client_minutes.ip_address
    where scores.class_version > {{ built_version() }}
{%- endset %}

with scores as not materialized (
    select * from {{ ref('client_scores') }}
),

{{ changed_rows('client_minutes', [window_of('window_start', '5 minutes') ~ ' as window_start'], also=reclassified) }},

totals as (
    select
        changed.window_start,
        coalesce(scores.convicted_as, 'people') as class,
        {{ total('client_minutes.requests') }} as requests,
        max(greatest(client_minutes.version, scores.class_version)) as version
    from changed
    inner join client_minutes
        on {{ in_window('client_minutes.window_start', 'changed.window_start', '5 minutes') }}
    inner join scores on client_minutes.ip_address = scores.ip_address
    group by changed.window_start, coalesce(scores.convicted_as, 'people')
),

final as (
    select
        window_start,
        class,
        requests,
        -- The window's rows are published together, so they share their version.
        max(version) over (partition by window_start) as version
    from totals
)

select * from final
