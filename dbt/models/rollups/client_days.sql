-- One row per client address and day (UTC), with the pace of its busiest minute and hours.
{{
    config(
        unique_key=['ip_address', 'day_start'],
        indexes=[
            {'columns': ['ip_address', 'day_start'], 'unique': true},
            {'columns': ['day_start', 'network']},
            {'columns': ['version']},
        ],
    )
}}
{%- set measures = ['requests', 'page_requests', 'bot_requests'] + client_measures() %}
{%- for measure in bot_measures() -%}
    {%- do measures.append('bot_' ~ measure) -%}
{%- endfor %}

with {{ changed_rows('client_minutes', ['ip_address', window_of('window_start', '1 day') ~ ' as day_start']) }},

-- Each minute with the hour that ends with it: in how many of its minutes the client asked for something, for how much.
minutes as (
    select
        client_minutes.*,
        changed.day_start,
        count(*) filter (where client_minutes.page_requests > 0) over past_hour as active_minutes,
        sum(client_minutes.page_requests) over past_hour as hour_requests,
        sum(client_minutes.page_requests * client_minutes.page_requests) over past_hour as hour_squares
    from changed
    inner join client_minutes
        on
            changed.ip_address = client_minutes.ip_address
            and {{ in_window('client_minutes.window_start', 'changed.day_start', '1 day') }}
    window past_hour as (
        partition by changed.ip_address, changed.day_start
        order by client_minutes.window_start range between interval '59 minutes' preceding and current row
    )
),

final as (
    select
        ip_address,
        {{ network_of('ip_address') }} as network,
        {% for measure in measures -%}
            {{ total(measure) }} as {{ measure }},
        {% endfor -%}
        max(page_requests) as peak_requests_per_minute,
        max(active_minutes) as active_minutes,
        -- Variance over mean of the hour's sixty minutes: 1 where requests come by chance, as many people's do, more
        -- where they come in bursts, as each person's do, almost 0 where a clock or a fixed wait is behind them.
        {{ most('active_minutes', 'hour_squares < hour_requests * (0.35 + hour_requests / 60)') }} as steady_minutes,
        max(version) as version,
        day_start,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from minutes
    group by ip_address, day_start
)

select * from final
