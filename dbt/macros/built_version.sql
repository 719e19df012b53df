{#
    The version that this run builds on: that of the published marts, or -1 where this model is to be built from the start.
    Every model builds what is newer anew, so what a run that was killed left half-way is simply built again.
    It is read beforehand and written into the SQL as a number: PostgreSQL then knows from its statistics
    that few rows are newer, and takes the index on version.
#}
{% macro built_version() -%}
    {%- set bookmark = ref('bookmark') -%}
    {%- set is_built = execute and flags.WHICH in ('run', 'build') and model.config.materialized == 'incremental' -%}
    {%- if is_built and load_relation(this) is not none -%}
        {{ run_query('select since from ' ~ bookmark).columns[0].values()[0] }}
    {%- else -%}
        -1
    {%- endif -%}
{%- endmacro %}

{# dbt asks this macro whether it is to make an incremental model's table anew. --full-refresh is in bookmark.since. #}
{% macro should_full_refresh() -%}
    {{ return(built_version() | int < 0) }}
{%- endmacro %}
