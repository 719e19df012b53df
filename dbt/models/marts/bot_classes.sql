-- One row per day (UTC) and class of bots, with one more, people, for all that the ledger counts as people's.
{%- set width = '1 day' %}
{{
    config(
        meta={'window': {'start': 'day_start', 'width': width}},
        unique_key='day_start',
        indexes=[{'columns': ['version']}],
    )
}}

{%- set reclassified %}
    select client_days.day_start from scores
    inner join client_days on scores.ip_address = client_days.ip_address
    where scores.class_version > {{ built_version() }} and client_days.bot_requests > 0
{%- endset %}

with scores as not materialized (
    select * from {{ ref('client_scores') }}
),

{{ changed_rows('client_days', ['day_start'], also=reclassified) }},

-- What a client did as a person and as a bot: the ledger counts each event as one or the other.
parts as (
    select
        part.*,
        changed.day_start,
        greatest(client_days.version, scores.class_version) as version
    from changed
    inner join client_days on changed.day_start = client_days.day_start
    inner join scores on client_days.ip_address = scores.ip_address
    {{ people_and_bots('client_days', ['requests'] + bot_measures()) }}
    where part.class = 'people' or part.requests > 0
),

totals as (
    select
        class,
        count(*) filter (where requests > 0) as clients,
        {{ total('requests') }} as events,
        {{ total('bytes') }} as bytes,
        {{ total('views') }} as views,
        {{ total('add_to_carts') }} as add_to_carts,
        {{ total('checkouts') }} as checkouts,
        max(version) as version,
        day_start
    from parts
    group by day_start, class
),

final as (
    select
        class,
        clients,
        events,
        bytes,
        views,
        add_to_carts,
        checkouts,
        {{ ratio('checkouts', 'views') }} as conversion,
        {{ ratio('sum(checkouts) over day', 'sum(views) over day') }} as conversion_with_bots,
        {{ ratio("sum(checkouts) filter (where class = 'people') over day",
                 "sum(views) filter (where class = 'people') over day") }} as conversion_without_bots,
        -- The day's rows are published together, so they share their version.
        max(version) over day as version,
        events as requests,
        views as product_views,
        day_start,
        {{ window_columns('day_start', width) }}
    from totals
    window day as (partition by day_start)
)

select * from final
