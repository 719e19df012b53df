{% macro network_of(address) -%}
    case
        when pg_input_is_valid({{ address }}, 'inet')
            then network(set_masklen({{ address }}::inet, case family({{ address }}::inet) when 4 then 24 else 64 end))::text
    end
{%- endmacro %}

{% macro most(column, condition) -%}
    coalesce(max({{ column }}) filter (where {{ condition }}), 0)
{%- endmacro %}

{% macro if_mostly(part, whole) -%}
    case when 2 * {{ part }} >= {{ whole }} then {{ part }} else 0 end
{%- endmacro %}

{% macro no_scores() -%}
    (select null::text as ip_address, null::text as convicted_as, null::bigint as class_version where false) as none
{%- endmacro %}
