{# The network that an address is in: a /24, or a /64 of IPv6. Null for what is no address. #}
{% macro network_of(address) -%}
    case
        when pg_input_is_valid({{ address }}, 'inet')
            then network(set_masklen({{ address }}::inet, case family({{ address }}::inet) when 4 then 24 else 64 end))::text
    end
{%- endmacro %}

{# The highest value of a column in the rows that fulfil the condition; 0 where none does. #}
{% macro most(column, condition) -%}
    coalesce(max({{ column }}) filter (where {{ condition }}), 0)
{%- endmacro %}

{# The part, where it is at least half of the whole; else 0. #}
{% macro if_mostly(part, whole) -%}
    case when 2 * {{ part }} >= {{ whole }} then {{ part }} else 0 end
{%- endmacro %}

{# Stands for client_scores where there is none to go on from. #}
{% macro no_scores() -%}
    (select null::text as ip_address, null::text as convicted_as, null::bigint as class_version where false) as none
{%- endmacro %}
