{#
    The incremental materialization, delete+insert, for models that keep their columns: models_hash() has all built anew when
    one is edited. dbt's own asks PostgreSQL three times for each model which columns there are, which takes longer than
    bringing a few rows up to date. Where a table is made, dbt's own makes it.
#}
{% materialization incremental, adapter='postgres' -%}
    {%- if load_cached_relation(this) is none or should_full_refresh() -%}
        {{ return(dbt.materialization_incremental_default()) }}
    {%- endif -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set changes = make_temp_relation(target) -%}
    {%- set unique_key = config.require('unique_key') -%}
    {%- set key = unique_key if unique_key is string else unique_key | join(', ') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        {{ get_create_table_as_sql(True, changes, sql) }}
        delete from {{ target }} where ({{ key }}) in (select {{ key }} from {{ changes }});
        insert into {{ target }} select * from {{ changes }};
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}
