{#
    For models whose rows are restated one key at a time: the rows that changed replace those of the same unique_key.
    dbt's own incremental models ask PostgreSQL three times for their columns, which takes longer than bringing a few rows up
    to date. Here they cannot have changed: models_hash() has all built anew when a model is edited. Where a table is made,
    dbt's own materialization makes it.
#}
{% materialization additive, adapter='postgres' -%}
    {%- if built_version() | int < 0 -%}
        {{ return(dbt.materialization_table_default()) }}
    {%- endif -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set changes = make_temp_relation(target) -%}
    {%- set unique_key = config.require('unique_key') -%}
    {%- set key = unique_key if unique_key is string else unique_key | join(', ') -%}
    {%- set columns = built_columns() -%}
    {%- set into = target if columns == '*' else target ~ ' (' ~ columns ~ ')' -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        create temporary table {{ changes }} as ({{ sql }});
        delete from {{ target }} where ({{ key }}) in (select {{ key }} from {{ changes }});
        insert into {{ into }} select {{ columns }} from {{ changes }};
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}
