-- One row per minute in which something happened: how many checkouts there were, and how many failed or were declined.
{%- set width = '1 minute' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key='window_start',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows(
    'window_counts',
    [window_of('window_start', width) ~ ' as window_start'],
    "dimension = 'all' and key = 'all'",
) }},

totals as (
    select
        changed.window_start,
        {{ total('window_counts.checkouts') }} as checkouts,
        {{ total('window_counts.payment_errors') }} as payment_errors,
        {{ total('window_counts.failed_checkouts', less='window_counts.payment_errors') }} as declined_count,
        {{ total('window_counts.checkouts', 'not window_counts.is_bot') }} as human_checkouts,
        {{ total('window_counts.payment_errors', 'not window_counts.is_bot') }} as human_payment_errors,
        {{ total('window_counts.failed_checkouts', 'not window_counts.is_bot', less='window_counts.payment_errors') }}
            as human_declined_count,
        max(window_counts.version) as version
    from changed
    inner join window_counts
        on {{ in_window('window_counts.window_start', 'changed.window_start', width) }}
    group by changed.window_start
),

final as (
    select
        window_start,
        checkouts,
        payment_errors,
        {{ ratio('payment_errors', 'checkouts') }} as error_rate,
        declined_count,
        human_checkouts,
        human_payment_errors,
        human_declined_count,
        {{ ratio('human_payment_errors', 'human_checkouts') }} as human_error_rate,
        version,
        payment_errors as error_count,
        human_payment_errors as human_error_count,
        {{ window_columns('window_start', width) }}
    from totals
)

select * from final
