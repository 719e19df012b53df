{# The start of the window of the given width ('1 minute', '5 minutes', '1 day'; UTC) that a time falls into. #}
{% macro window_of(column, width) -%}
    date_bin('{{ width }}', {{ column }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}

{# Whether a time lies in the window that starts at `start`. A plain range, so that an index serves it. #}
{% macro in_window(column, start, width) -%}
    {{ column }} >= {{ start }} and {{ column }} < {{ start }} + interval '{{ width }}'
{%- endmacro %}
