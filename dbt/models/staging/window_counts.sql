-- One row per dimension, key, ten-second window and is_bot: of the mirror's counts, all that this run has to add up.
-- Each key's windows of the finest mart are copied whole where anything in them is newer than the marts, and the newest
-- window, which says until when the marts are whole.
-- One statement is one snapshot. All marts are built from this copy, so the mirror may go on writing meanwhile.
-- depends_on: {{ ref('bookmark') }}
{{
    config(
        materialized='renewed',
        unique_key=['dimension', 'key', 'window_start', 'is_bot'],
        pre_hook='{{ go_on_as_the_newest_run() }}',
    )
}}
{%- set since = built_version() | int %}

with source as not materialized (
    select * from {{ source('silver', 'window_counts') }}
),

{% if since >= 0 -%}
    changed as (
        select distinct
            dimension,
            key,
            {{ finest_window('dimension') }} as width,
            date_bin({{ finest_window('dimension') }}, window_start, timestamptz '2000-01-01 00:00:00+00') as starts_at
        from source
        where version > {{ since }}
    ),

    changed_windows as (
        select
            changed.dimension,
            changed.key,
            windows.window_start
        from changed
        cross join lateral generate_series(
            changed.starts_at, changed.starts_at + changed.width - interval '10 seconds', interval '10 seconds'
        ) as windows (window_start)
    ),

    newest_window as (
        select * from source
        where dimension = 'all' and key = 'all' and events > 0
        order by window_start desc
        limit 1
    ),

    wanted as (
        select source.*
        from changed_windows
        inner join source
            on
                changed_windows.dimension = source.dimension
                and changed_windows.window_start = source.window_start
                and changed_windows.key = source.key
        union
        select * from newest_window
    ),
{% else -%}
    wanted as not materialized (
        select * from source
    ),
{% endif %}
final as (
    select
        dimension,
        key,
        window_start,
        is_bot,
        {{ measures() | join(',\n        ') }},
        version
    from wanted
)

select * from final
