-- One row per dimension, key, window and is_bot: of the mirror's counts, all that this run has to add up.
-- A window of the finest mart is copied whole where anything in it is newer than the marts, a client's with the settled
-- part of its day. One statement is one snapshot: the mirror may go on meanwhile. The newest window is copied, too.
-- depends_on: {{ ref('bookmark') }}
{{ config(materialized='renewed', pre_hook='{{ go_on_as_the_newest_run() }}') }}
{%- set since = built_version() | int %}

with source as not materialized (
    select * from {{ source('silver', 'window_counts') }}
),

{% if since >= 0 -%}
    changed as (
        select distinct
            dimension,
            key,
            {{ finest_window('dimension') }} as length,
            {{ finest_window_of('dimension', 'window_start') }} as starts_at
        from source
        where version > {{ since }}
    ),

    changed_windows as (
        select
            changed.dimension,
            changed.key,
            changed.starts_at + windows.number * interval '10 seconds' as window_start
        from changed
        cross join generate_series(0, 29) as windows (number)
        where windows.number < changed.length
        union all
        select distinct
            'client_day' as dimension,
            key,
            {{ window_of('starts_at', '1 day') }} as window_start
        from changed
        where dimension = 'client'
    ),

    newest_window as (
        select * from source
        where dimension = 'all' and events > 0
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
        wanted.dimension,
        wanted.key,
        wanted.window_start,
        wanted.is_bot,
        {% for column in measures() + columns_of_settled() -%}
            {{ 'wanted.' ~ column ~ ('::text as ' ~ column if column.startswith('minute')) }},
        {% endfor -%}
        wanted.version,
        bookmark.settled_until
    from wanted
    left join {{ source('silver', 'bookmark') }} as bookmark on true
)

select * from final
