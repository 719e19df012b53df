-- One row per dimension, key, ten-second window and is_bot: the mirror's counts as they stood at one bookmark.
-- One statement is one snapshot. All marts are built from this copy, so the mirror may go on writing meanwhile.
-- depends_on: {{ ref('bookmark') }}
{{
    config(
        unique_key=['dimension', 'key', 'window_start', 'is_bot'],
        indexes=[
            {'columns': ['dimension', 'key', 'window_start', 'is_bot'], 'unique': true},
            {'columns': ['version']},
        ],
        pre_hook='{{ go_on_as_the_newest_run() }}',
    )
}}

with source as (
    select * from {{ source('silver', 'window_counts') }}
),

final as (
    select
        dimension,
        key,
        window_start,
        is_bot,
        {{ measures() | join(',\n        ') }},
        version
    from source
    where version > {{ built_version() }}
)

select * from final
