{# Tells one edition of the models and their vars from another: what an older edition built is built anew. #}
{% macro models_hash() -%}
    {%- set parts = [var('bot_suspicion_score'), var('bot_conviction_score')] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() | sort(attribute='unique_id') if node.resource_type == 'model' -%}
            {%- do parts.append(node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ local_md5(parts | map('string') | join(' ')) }}
{%- endmacro %}
