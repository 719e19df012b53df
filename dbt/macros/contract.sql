{# Written by `weblake contracts` from lake/contracts; edit it there. #}

{% macro dimensions() -%}
    {{ return([
        'all',
        'action',
        'product',
        'client',
        'status',
        'rejected',
    ]) }}
{%- endmacro %}

{% macro measures() -%}
    {{ return([
        'events',
        'views',
        'add_to_carts',
        'checkouts',
        'client_errors',
        'server_errors',
        'payment_errors',
        'late_events',
        'response_ms',
        'timed_events',
        'bytes',
        'assets',
        'robots_reads',
        'no_agent',
        'pages',
        'not_found',
        'probes',
        'posts',
        'searches',
        'failed_checkouts',
        'crawler_events',
        'tool_events',
        'impostor_events',
        'agents_0',
        'agents_1',
        'agents_2',
        'agents_3',
    ]) }}
{%- endmacro %}

{% macro columns_of_settled() -%}
    {{ return([
        'first_seen',
        'last_seen',
        'minutes',
        'minute_events',
        'minute_assets',
    ]) }}
{%- endmacro %}

{% macro client_measures() -%}
    {{ return([
        'views',
        'add_to_carts',
        'checkouts',
        'client_errors',
        'server_errors',
        'payment_errors',
        'bytes',
        'assets',
        'robots_reads',
        'no_agent',
        'pages',
        'not_found',
        'probes',
        'posts',
        'searches',
        'failed_checkouts',
        'crawler_events',
        'tool_events',
        'impostor_events',
        'agents_0',
        'agents_1',
        'agents_2',
        'agents_3',
    ]) }}
{%- endmacro %}

{% macro summary_measures() -%}
    {{ return([
        'events',
        'views',
        'add_to_carts',
        'checkouts',
        'payment_errors',
    ]) }}
{%- endmacro %}

{% macro after_all_marts() -%}
    {%- do ref('action_counts') -%}
    {%- do ref('actions') -%}
    {%- do ref('bot_classes') -%}
    {%- do ref('bot_rules') -%}
    {%- do ref('bot_traffic') -%}
    {%- do ref('bots') -%}
    {%- do ref('freshness') -%}
    {%- do ref('payment_errors') -%}
    {%- do ref('product_views') -%}
    {%- do ref('products') -%}
    {%- do ref('rejected') -%}
    {%- do ref('restatements') -%}
    {%- do ref('statuses') -%}
    {%- do ref('traffic') -%}
    {%- do ref('verdict_history') -%}
    {%- do ref('visitors') -%}
{%- endmacro %}
