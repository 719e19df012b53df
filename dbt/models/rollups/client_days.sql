-- One row per client address and day (UTC), with the pace of its busiest minute and hours.
{%- set of_network, key = {'columns': ['day_start', 'network']}, ['ip_address', 'day_start'] %}
{{ config(unique_key=key, indexes=[{'columns': key, 'unique': true}, of_network, {'columns': ['version']}]) }}
{%- set measures = ['requests', 'page_requests', 'bot_requests'] + client_measures() %}
{%- for measure in bot_measures() -%}
    {%- do measures.append('bot_' ~ measure) -%}
{%- endfor %}


with {{ changed_rows('client_parts', ['ip_address', window_of('window_start', '1 day') ~ ' as day_start']) }},

totals as (
    select
        changed.ip_address,
        changed.day_start,
        {% for measure in measures -%}
            {{ total('client_parts.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(client_parts.version) as version,
        min(client_parts.first_seen_at) as first_seen_at,
        max(client_parts.last_seen_at) as last_seen_at
    from client_parts
    inner join changed on {{ in_day_of_client('client_parts') }}
    group by changed.ip_address, changed.day_start
),

minutes as (
    select
        changed.ip_address,
        changed.day_start,
        activity.window_start,
        {{ total('activity.page_requests') }} as page_requests
    from {{ ref('client_activity') }} as activity
    inner join changed on {{ in_day_of_client('activity') }}
    group by changed.ip_address, changed.day_start, activity.window_start
),

-- Each minute with the hour that ends with it: in how many of its minutes the client asked for something, for how much.
hours as (
    select
        *,
        count(*) filter (where page_requests > 0) over past_hour as minutes_of_hour,
        sum(page_requests) over past_hour as hour_requests,
        sum(page_requests * page_requests) over past_hour as hour_squares
    from minutes
    window past_hour as (
        partition by ip_address, day_start
        order by window_start range between interval '59 minutes' preceding and current row
    )
),

paces as (
    select
        ip_address,
        day_start,
        {{ network_of('ip_address') }} as network,
        max(page_requests) as peak_requests_per_minute,
        max(minutes_of_hour) as active_minutes,
        -- Variance over mean of the hour's minutes: 1 where requests come by chance, as many people's do, more where
        -- they come in bursts, as each person's do, almost 0 where a clock or a fixed wait is behind them.
        {{ most('minutes_of_hour', 'hour_squares < hour_requests * (0.35 + hour_requests / 60)') }} as steady_minutes
    from hours
    group by ip_address, day_start
),

final as (
    select
        totals.*,
        paces.network,
        paces.peak_requests_per_minute,
        paces.active_minutes,
        paces.steady_minutes
    from totals
    inner join paces on totals.ip_address = paces.ip_address and totals.day_start = paces.day_start
)

select * from final
