{% macro total(column, condition=none) -%}
    coalesce(sum({{ column }}){% if condition %} filter (where {{ condition }}){% endif %}, 0)::bigint
{%- endmacro %}

{% macro ratio(part, whole) -%}
    round({{ part }}::numeric / nullif({{ whole }}, 0), 4)
{%- endmacro %}
