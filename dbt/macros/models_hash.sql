{# Tells one edition of the models from another: tables that an older edition built are built anew. #}
{% macro models_hash() -%}
    {%- set parts = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- do parts.append(node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ local_md5(parts | sort | join(' ')) }}
{%- endmacro %}
