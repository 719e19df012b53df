{% macro network_of(address) -%}
    case
        when pg_input_is_valid({{ address }}, 'inet')
            then network(set_masklen({{ address }}::inet, case family({{ address }}::inet) when 4 then 24 else 64 end))::text
    end
{%- endmacro %}

{% macro in_day_of_client(rows) -%}
    {{ rows }}.ip_address = changed.ip_address
    and {{ in_window(rows ~ '.window_start', 'changed.day_start', '1 day') }}
{%- endmacro %}

{% macro most(column, condition) -%}
    coalesce(max({{ column }}) filter (where {{ condition }}), 0)
{%- endmacro %}

{% macro bot_measures() -%}
    {{ return(['views', 'add_to_carts', 'checkouts', 'bytes']) }}
{%- endmacro %}

{% macro people_and_bots(counts, measures) -%}
    {%- set by_people, by_bots = [], [] -%}
    {%- for measure in measures -%}
        {%- do by_people.append(counts ~ '.' ~ measure ~ ' - ' ~ counts ~ '.bot_' ~ measure) -%}
        {%- do by_bots.append(counts ~ '.bot_' ~ measure) -%}
    {%- endfor -%}
    cross join lateral (
        values
        ('people', {{ by_people | join(', ') }}),
        (coalesce(scores.class, 'unclear'), {{ by_bots | join(', ') }})
    ) as part (class, {{ measures | join(', ') }})
{%- endmacro %}

{% macro if_mostly(part, whole) -%}
    case when 2 * {{ part }} >= {{ whole }} then {{ part }} else 0 end
{%- endmacro %}

{% macro if_nearly_all(part, whole) -%}
    case when 10 * {{ part }} >= 9 * {{ whole }} then {{ part }} else 0 end
{%- endmacro %}

{% macro if_declared(part) -%}
    case
        when
            2 * {{ part }} >= client.requests
            and 10 * (client.crawler_events + client.tool_events) >= 9 * client.requests
            then {{ part }}
        else 0
    end
{%- endmacro %}

{% macro by_share(figure, part, whole) -%}
    case when client.is_crowd then {{ if_nearly_all(part, whole) }} else {{ figure }} end
{%- endmacro %}

{% macro unless(condition, figure) -%}
    case when {{ condition }} then 0 else {{ figure }} end
{%- endmacro %}

{% macro no_scores() -%}
    (select null::text as ip_address, null::text as class, null::bigint as class_version where false) as none
{%- endmacro %}
