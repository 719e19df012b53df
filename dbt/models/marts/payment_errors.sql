-- One row per minute in which something happened: how many checkouts there were, and how many failed or were declined.
{%- set width = '1 minute' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key='window_start',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ counts_by_window('all', width) }},

totals as (
    select
        starts_at as window_start,
        {{ total('checkouts') }} as checkouts,
        {{ total('payment_errors') }} as payment_errors,
        {{ total('failed_checkouts', less='payment_errors') }} as declined_count,
        {{ total('checkouts', 'not is_bot') }} as human_checkouts,
        {{ total('payment_errors', 'not is_bot') }} as human_payment_errors,
        {{ total('failed_checkouts', 'not is_bot', less='payment_errors') }}
            as human_declined_count,
        max(version) as version
    from counts
    group by starts_at
    having max(version) > {{ built_version() }}
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
