-- One row: the bookmark that all marts stand at. Built last: its transaction publishes them all.
{{ config(materialized='renewed', post_hook='{{ publish_marts() }}') }}
{{ after_all_marts() }}

with bookmark as (
    select * from {{ ref('bookmark') }}
),

-- The bookmark was read before the rows. Rows that came in between are in the copy and say so in their version;
-- where no row is newer than the bookmark, nothing changed in between.
copied as (
    select coalesce(max(version), -1) as version from {{ ref('window_counts') }}
),

final as (
    select
        bookmark.ledger_id,
        greatest(bookmark.version, copied.version) as version,
        '{{ models_hash() }}' as models,
        nullif({{ whole_until() }}, '-infinity') as whole_until,
        bookmark.filled_at,
        now() as built_at
    from bookmark
    cross join copied
)

select * from final
