-- One row per client address: the rules of bot_rules that it meets, what they add up to, and what they make of it.
{{
    config(
        unique_key='ip_address',
        indexes=[{'columns': ['ip_address'], 'unique': true}, {'columns': ['score']}, {'columns': ['class_version']}],
    )
}}

{%- set neighbours %}
    select clients.ip_address from clients
    inner join network_days on clients.network = network_days.network
    where network_days.version > {{ built_version() }}
{%- endset %}

with network_days as not materialized (
    select * from {{ ref('network_days') }}
),

{{ changed_rows('clients', ['ip_address'], also=neighbours) }},

earlier as (
    select
        ip_address,
        class,
        class_version
    from {{ this if built_version() | int >= 0 else no_scores() }}
),

scored as (
    select
        changed.ip_address,
        max(figures.version) as version,
        greatest(0, coalesce(sum(rules.points), 0))::integer as score,
        array_remove(array_agg(rules.reason order by rules.points desc, rules.reason asc), null) as reasons,
        array_remove(array_agg(rules.points order by rules.points desc, rules.reason asc), null) as points,
        coalesce(jsonb_object_agg(rules.reason, figures.figure) filter (where rules.points != 0), '{}') as figures,
        (array_remove(array_agg(rules.class order by rules.points desc, rules.reason asc), null))[1] as class
    from changed
    inner join {{ ref('client_figures') }} as figures on changed.ip_address = figures.ip_address
    left join {{ changes_of('bot_rules') }} as rules
        on figures.reason = rules.reason and figures.figure >= rules.threshold
    group by changed.ip_address
),

final as (
    select
        scored.*,
        -- When the class last became another: bot_classes then counts the client's earlier days anew.
        coalesce(
            case when coalesce(scored.class, '') = coalesce(earlier.class, '') then earlier.class_version end,
            scored.version
        ) as class_version
    from scored
    left join earlier on scored.ip_address = earlier.ip_address
)

select * from final
