{% macro window_of(column, width) -%}
    date_bin('{{ width }}', {{ column }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}

{# Marts of windows of different widths join by the starts of the wider ones. #}
{% macro wider_windows(column, width) -%}
    {%- set names = {'5 minutes': 'five_minutes_start', '1 hour': 'hour_start', '1 day': 'day_start'} -%}
    {%- set widths = ['1 minute'] + names | list -%}
    {%- for wider in widths[widths.index(width) + 1:] -%}
        {{ window_of(column, wider) }} as {{ names[wider] }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro in_window(column, start, width) -%}
    {{ column }} >= {{ start }} and {{ column }} < {{ start }} + interval '{{ width }}'
{%- endmacro %}
