{# The sum of a measure over a group; 0 where nothing is left to add up. #}
{% macro total(column, condition=none) -%}
    coalesce(sum({{ column }}){% if condition %} filter (where {{ condition }}){% endif %}, 0)::bigint
{%- endmacro %}

{# part / whole, four decimals; null where there is no whole to divide by. #}
{% macro ratio(part, whole) -%}
    round({{ part }}::numeric / nullif({{ whole }}, 0), 4)
{%- endmacro %}
