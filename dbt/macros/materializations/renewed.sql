{#
    For tables that each run empties and fills again, in one transaction: small ones of which every row may change with every
    event, and copies. The table itself, its key and its comments stay, which takes less time than to make another.
#}
{% materialization renewed, adapter='postgres' -%}
    {%- set target = built_part(this) -%}
    {%- set columns = built_columns() -%}
    {%- set into = target if columns == '*' else target ~ ' (' ~ columns ~ ')' -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        {%- if built_version() | int < 0 %}
            drop table if exists {{ target }} cascade;
            {{ get_create_table_as_sql(False, target, sql) }}
        {%- else %}
            truncate table {{ target }};
            insert into {{ into }} select {{ columns }} from ({{ sql }}) as made;
        {%- endif %}
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}
