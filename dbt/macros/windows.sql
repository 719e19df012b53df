{% macro window_of(column, width) -%}
    date_bin('{{ width }}', {{ column }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}

{% macro in_window(column, start, width) -%}
    {{ column }} >= {{ start }} and {{ column }} < {{ start }} + interval '{{ width }}'
{%- endmacro %}
