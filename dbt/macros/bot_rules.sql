{# The rules that scores are made by, as text: clients that were scored by other rules are scored again. #}
{% macro bot_rules() -%}
    {%- set names = ['bot_points_declared_by_user_agent', 'bot_points_request_rate', 'bot_page_requests_per_minute'] -%}
    {%- for name in names -%}
        {{ name }}={{ var(name) }}{{ ' ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
