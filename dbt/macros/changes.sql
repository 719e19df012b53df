{# Where a run builds a table: its own place or, for a mart, one in the schema of copies and rollups. #}
{% macro built_part(relation) -%}
    {{ return(api.Relation.create(relation.database, target.schema, relation.identifier, type='table')) }}
{%- endmacro %}

{# What a run has built of a mart: the rows that are newer than what is published. In a unit test, these are all. #}
{% macro changes_of(name) -%}
    {%- set mart = ref(name) -%}
    {{ return(built_part(mart) if execute and model.resource_type == 'model' else mart) }}
{%- endmacro %}

{# SQL for the rows of a mart as a run will publish it: what it has built, and what is published besides. #}
{% macro as_changed(name, condition) -%}
    {%- set published, is_whole = ref(name), built_version() | int < 0 -%}
    {%- set node = graph.nodes.values() | selectattr('name', 'equalto', name) | first if not is_whole -%}
    {%- set columns = '*' if is_whole else node.columns | join(', ') -%}
    select {{ columns }} from {{ changes_of(name) }}
    where {{ condition }}
    {%- if not is_whole %}
        {%- set unique_key = node.config.unique_key -%}
        {%- set key = unique_key if unique_key is string else unique_key | join(', ') %}
        union all
        select {{ columns }} from {{ published }}
        where {{ condition }} and ({{ key }}) not in (select {{ key }} from {{ changes_of(name) }})
    {%- endif %}
{%- endmacro %}

{# A table that somebody has dropped can only be built from the start, and so can those that are built from it. #}
{% macro are_all_tables_there() -%}
    {%- set missing = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- for schema in [node.schema, target.schema] -%}
                {%- if adapter.get_relation(node.database, schema, node.alias) is none -%}
                    {%- do missing.append(node.name) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(not missing) }}
{%- endmacro %}
