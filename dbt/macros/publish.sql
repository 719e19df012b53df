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

{#
    SQL that brings one mart to what was built: the rows that changed replace those of the same unique_key. What is built
    from the start replaces all rows, and writes the mart's descriptions to PostgreSQL again.
#}
{% macro publish_mart(node, since) -%}
    {%- set built = api.Relation.create(node.database, node.schema, node.alias, type='table') -%}
    {%- set mart = api.Relation.create(node.database, marts_schema(), node.alias, type='table') -%}
    {%- set is_there = adapter.get_relation(mart.database, mart.schema, mart.identifier) is not none -%}
    {%- set key = [node.config.unique_key] if node.config.unique_key is string else node.config.unique_key -%}
    {%- set keys = key | join(', ') if key -%}
    {%- set fits = is_there and (since >= 0 or shape_of(mart) == shape_of(built)) -%}
    {%- if not fits %}
        {{ create_mart(mart, built, node) }}
    {%- endif %}
    {%- if not fits or since < 0 %}
        {{ describe_mart(mart, node) }}
    {%- endif %}
    {%- if not fits or since < 0 or not key %}
        delete from {{ mart }};
        insert into {{ mart }} select * from {{ built }};
    {%- elif node.config.materialized == 'renewed' %}
        delete from {{ mart }} where ({{ keys }}) in (
            select {{ keys }} from (select * from {{ mart }} except select * from {{ built }}) as gone
        );
        insert into {{ mart }} select * from {{ built }} except select * from {{ mart }};
    {%- else %}
        delete from {{ mart }} where ({{ keys }}) in (select {{ keys }} from {{ built }} where version > {{ since }});
        insert into {{ mart }} select * from {{ built }} where version > {{ since }};
    {%- endif %}
{%- endmacro %}

{# Make a mart like the table that was built, with its key, and its indexes but for that which only builds need. #}
{% macro create_mart(mart, built, node) -%}
    drop table if exists {{ mart }};
    create table {{ mart }} (like {{ built }});
    alter table {{ mart }} add primary key ({{ primary_key(node) | join(', ') }});
    {%- for index in node.config.indexes if index.columns != ['version'] %}
        {{ get_create_index_sql(mart, index) }};
    {%- endfor %}
{%- endmacro %}

{% macro describe_mart(mart, node) -%}
    comment on table {{ mart }} is {{ postgres_escape_comment(node.description) }};
    {%- for column in node.columns.values() %}
        comment on column {{ mart }}.{{ column.name }} is {{ postgres_escape_comment(column.description) }};
    {%- endfor %}
{%- endmacro %}

{# It is declared for the column or, where there are several, for the model. #}
{% macro primary_key(node) -%}
    {%- set columns = [] -%}
    {%- for constraint in node.constraints if constraint.type == 'primary_key' -%}
        {%- do columns.extend(constraint.columns) -%}
    {%- endfor -%}
    {%- for column in node.columns.values() -%}
        {%- for constraint in column.constraints if constraint.type == 'primary_key' -%}
            {%- do columns.append(column.name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{% macro shape_of(relation) -%}
    {%- set query -%}
        select
            columns.attname,
            format_type(columns.atttypid, columns.atttypmod) as column_type,
            coalesce(columns.attnum = any(keys.conkey), false) as is_key
        from pg_attribute as columns
        left join pg_constraint as keys on columns.attrelid = keys.conrelid and keys.contype = 'p'
        where columns.attrelid = '{{ relation }}'::regclass and columns.attnum > 0 and not columns.attisdropped
        order by columns.attnum
    {%- endset -%}
    {%- set shape = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do shape.append(row.values() | list) -%}
    {%- endfor -%}
    {{ return(shape) }}
{%- endmacro %}
