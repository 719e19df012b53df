{# What an older edition built is built from the start, and so is what was masked otherwise. #}
{% macro models_hash() -%}
    {%- set parts = [var('bot_suspicion_score'), var('bot_conviction_score'), mask_secret()] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() | sort(attribute='unique_id') if node.resource_type == 'model' -%}
            {%- do parts.append(node.checksum.checksum) -%}
            {%- do parts.append(node.description) -%}
            {%- for column in node.columns.values() -%}
                {%- do parts.append([column.name, column.data_type, column.description, column.constraints]) -%}
            {%- endfor -%}
            {%- do parts.append(node.constraints) -%}
        {%- endfor -%}
        {%- for name, macro in weblake.items() | sort -%}
            {%- do parts.append(macro.macro.macro_sql) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ local_md5(parts | map('string') | join(' ')) }}
{%- endmacro %}
