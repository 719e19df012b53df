-- One row: how new the figures of all marts are, and how much came in besides them.
{{ config(materialized='renewed', unique_key='version') }}

with bookmark as (
    select * from {{ ref('bookmark') }}
),

newest as (
    select max({{ seen_at('last') }}) + interval '10 seconds' as newest_event_at
    from {{ ref('window_counts') }}
    where dimension = 'all' and key = 'all' and events <> 0
),

-- An event may be ahead of the clock by some minutes. Nothing is whole of which Kafka may still get the rest.
ends as (
    select
        bookmark.*,
        newest.newest_event_at,
        least(newest.newest_event_at, bookmark.counted_until) as whole_until
    from bookmark
    cross join newest
),

final as (
    select
        records,
        rejected,
        {{ ratio('rejected', 'records') }} as rejected_share,
        round(extract(epoch from counted_at - counted_until), 1) as lag_seconds,
        version,
        newest_event_at,
        {{ window_of('whole_until', '1 hour') }} - interval '1 hour' as last_whole_hour,
        {{ window_of('whole_until', '1 day') }} - interval '1 day' as last_whole_day,
        counted_until,
        moved_at as mirrored_at
    from ends
)

select * from final
