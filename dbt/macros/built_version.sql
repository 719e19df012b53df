{#
    The version that this run builds on: that of the published marts, or -1 where all is to be built from the start. Every
    model builds what is newer anew, so what a run that was killed left half-way is simply built again.
    It is read beforehand and written into the SQL as a number: PostgreSQL then knows from its statistics
    that few rows are newer, and takes the index on version.
#}
{% macro built_version() -%}
    {%- set bookmark = ref('bookmark') -%}
    {%- set is_run = execute and flags.WHICH in ('run', 'build') -%}
    {%- if is_run and model.config.materialized in ('additive', 'changes', 'renewed') -%}
        {{ run_query('select since from ' ~ bookmark).columns[0].values()[0] }}
    {%- else -%}
        -1
    {%- endif -%}
{%- endmacro %}

{% macro built_columns() -%}
    {{ model.columns.keys() | join(', ') if config.get('contract').enforced else '*' }}
{%- endmacro %}
