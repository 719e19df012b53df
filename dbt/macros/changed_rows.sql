{#
    The first two steps of a model that adds up another one: the rows that it reads, under the name of their model, and `changed`, the keys
    of which something is newer than what this run builds on. Everything else about these keys is then read again and restated.
    The rows are not materialized: they are read twice, and each reader is to use an index of its own.
#}
{% macro changed_rows(name, keys, where=none, also=none) -%}
    {%- set rows = 'select * from ' ~ ref(name) ~ (' where ' ~ where if where else '') -%}
    {%- set newer = 'select distinct ' ~ keys | join(', ') ~ ' from ' ~ name ~ ' where version > ' ~ built_version() -%}
    {{ name }} as not materialized ({{ rows }}),
    changed as ({{ newer }}{{ ' union ' ~ also if also }})
{%- endmacro %}
