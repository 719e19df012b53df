{#
    For small models of which every row may change with every event: each run empties the table and fills it again, in one
    transaction. The table itself, its key and its comments stay, which takes less time than to make another and rename it.
    Where a table is made, dbt's own materialization makes it.
#}
{% materialization renewed, adapter='postgres' -%}
    {%- if load_cached_relation(this) is none or built_version() | int < 0 -%}
        {{ return(dbt.materialization_table_default()) }}
    {%- endif -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set columns = built_columns() -%}
    {%- set into = target if columns == '*' else target ~ ' (' ~ columns ~ ')' -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        truncate table {{ target }};
        insert into {{ into }} select {{ columns }} from ({{ sql }}) as made;
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}
