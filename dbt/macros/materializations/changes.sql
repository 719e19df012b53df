{#
    For marts of which a run builds the rows that changed. All others stand where they are published, and nowhere else.
    Where a mart is built from the start, all of its rows are new.
#}
{% materialization changes, adapter='postgres' -%}
    {{ return(materialization_renewed_postgres()) }}
{%- endmaterialization %}
