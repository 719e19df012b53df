-- One row per reason that counts for or against a client being a bot, with its points; see macros/bot_rules.sql.
-- depends_on: {{ ref('bookmark') }}
{{ config(materialized='renewed', unique_key='reason') }}

with rules (reason, points, threshold, class, meaning) as (
    values
    {% for rule in bot_rules() %}
        (
            '{{ rule.reason }}', {{ rule.points }}, {{ rule.threshold }},
            {{ "'" ~ rule.class ~ "'" if rule.class else 'null' }},
            '{{ rule.meaning | replace("'", "''") }}'
        ){{ "," if not loop.last }}
    {% endfor %}
),

final as (
    select
        reason,
        points::integer as points,
        threshold::bigint as threshold,
        class::text as class,
        meaning,
        points > 0 and class is null as is_weak
    from rules
)

select * from final
