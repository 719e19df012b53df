{% macro total(column, condition=none) -%}
    coalesce(sum({{ column }}){% if condition %} filter (where {{ condition }}){% endif %}, 0)::bigint
{%- endmacro %}

{% macro moved_measures() -%}
    {%- for measure in summary_measures() -%}
        coalesce((moved ->> '{{ measure }}')::bigint, 0) as moved_{{ measure }}{{ ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro ratio(part, whole) -%}
    round({{ part }}::numeric / nullif({{ whole }}, 0), 4)
{%- endmacro %}
