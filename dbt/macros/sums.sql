{#
    A sum of a sparse column, in which null is no more than 0; of `less`, if it is given, it is what is left when that is
    taken away. What takes two columns from one another row by row would lose the rows in which one is null.
#}
{% macro total(column, condition=none, less=none) -%}
    {%- set rows = ' filter (where ' ~ condition ~ ')' if condition -%}
    coalesce(sum({{ column }}){{ rows }}, 0)::bigint{% if less %} - coalesce(sum({{ less }}){{ rows }}, 0)::bigint{% endif %}
{%- endmacro %}

{# What is mostly zero takes no room as null, and four bytes where it is not; amounts take eight. #}
{% macro sparse_total(column, condition=none) -%}
    nullif({{ total(column, condition) }}, 0)::{{ 'bigint' if column == 'bytes' else 'integer' }}
{%- endmacro %}

{% macro moved_measures() -%}
    {%- for measure in summary_measures() -%}
        coalesce((moved ->> '{{ measure }}')::bigint, 0) as moved_{{ measure }}{{ ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro ratio(part, whole) -%}
    round({{ part }}::numeric / nullif({{ whole }}, 0), 4)
{%- endmacro %}
