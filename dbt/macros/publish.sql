{# The schema that analysts read. #}
{% macro marts_schema() -%}
    marts
{%- endmacro %}

{#
    SQL for the version that the published marts show, and which models made them of which fill of the mirror.
    No row where there are none, and where --full-refresh asks not to carry them on.
#}
{% macro published_stand() -%}
    {%- set is_there = execute and adapter.get_relation(target.database, marts_schema(), 'build_info') is not none -%}
    {%- if is_there and not flags.FULL_REFRESH -%}
        select
            version,
            filled_at,
            models
        from {{ marts_schema() }}.build_info
    {%- else -%}
        select
            null::bigint as version,
            null::timestamptz as filled_at,
            null::text as models
        where false
    {%- endif -%}
{%- endmacro %}

{#
    Bring what this run has built to the tables that analysts read: all in one transaction, that of build_info, the last model.
    Rows are only deleted and inserted, which makes no reader wait; a lock that could is given up after half a second.
#}
{% macro publish_marts() -%}
    {%- if execute -%}
        {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list -%}
        {%- for node in models if node.unique_id not in selected_resources -%}
            {{ exceptions.raise_compiler_error('a run without ' ~ node.name ~ ' publishes nothing; run all models') }}
        {%- endfor -%}
        {%- set since = run_query('select since from ' ~ ref('bookmark')).columns[0].values()[0] -%}
        set local lock_timeout = '500ms';
        {%- for node in models if node.fqn[1] == 'marts' %}
            {{ publish_mart(node, since) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro publish_mart(node, since) -%}
    {%- set built = api.Relation.create(node.database, node.schema, node.alias) -%}
    {%- set mart = api.Relation.create(node.database, marts_schema(), node.alias) -%}
    {%- set is_there = adapter.get_relation(mart.database, mart.schema, mart.identifier) is not none -%}
    {%- set key = [node.config.unique_key] if node.config.unique_key is string else node.config.unique_key -%}
    {%- set keys = key | join(', ') if key -%}
    {%- set fits = is_there and (since >= 0 or column_types(mart) == column_types(built)) -%}
    {%- if not fits -%}
        {{ create_mart(mart, built, node.config.indexes) }}
    {%- endif -%}
    {%- if not fits or since < 0 or not key %}
        delete from {{ mart }};
        insert into {{ mart }} select * from {{ built }};
    {%- elif node.config.materialized == 'table' %}
        delete from {{ mart }} where ({{ keys }}) in (
            select {{ keys }} from (select * from {{ mart }} except select * from {{ built }}) as gone
        );
        insert into {{ mart }} select * from {{ built }} except select * from {{ mart }};
    {%- else %}
        delete from {{ mart }} where ({{ keys }}) in (select {{ keys }} from {{ built }} where version > {{ since }});
        insert into {{ mart }} select * from {{ built }} where version > {{ since }};
    {%- endif %}
{%- endmacro %}

{# Make a mart like the table that was built, with its indexes but for the one that only builds need. #}
{% macro create_mart(mart, built, indexes) -%}
    drop table if exists {{ mart }};
    create table {{ mart }} (like {{ built }});
    {%- for index in indexes if index.columns != ['version'] %}
        {{ get_create_index_sql(mart, index) }};
    {%- endfor %}
{%- endmacro %}

{# The names and types of a table's columns, in order. #}
{% macro column_types(relation) -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {{ column.name }} {{ column.data_type }},
    {%- endfor -%}
{%- endmacro %}
