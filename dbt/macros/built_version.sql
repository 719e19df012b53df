{#
    The version that this model's own table stands at; -1 where the table is new or is being built anew.
    Every model compares its inputs with its own version, so a run that was killed half-way is simply run again.
    It is read beforehand and written into the SQL as a number: PostgreSQL then knows from its statistics
    that few rows are newer, and takes the index on version.
#}
{% macro built_version(condition='true') -%}
    {%- if execute and is_incremental() -%}
        {{ run_query('select coalesce(max(version), -1) from ' ~ this ~ ' where ' ~ condition).columns[0].values()[0] }}
    {%- else -%}
        -1
    {%- endif -%}
{%- endmacro %}
