{# The secret by which clients are masked; empty where they are shown. #}
{% macro mask_secret() -%}
    {{ return(env_var('MASK_SECRET', '') if env_var('MASK_IP', '0') == '1' else '') }}
{%- endmacro %}

{#
    SQL for the columns of a mart as readers see them: where clients are masked, a pseudonym stands for each, the digits of a
    keyed hash and the network of its address.
#}
{% macro as_published(names) -%}
    {%- set shown = [] -%}
    {%- for name in names -%}
        {%- if mask_secret() and name in ['ip_address', 'client'] -%}
            {%- do shown.append(pseudonym_of(name) ~ ' as ' ~ name) -%}
        {%- else -%}
            {%- do shown.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(shown | join(', ')) }}
{%- endmacro %}

{% macro pseudonym_of(client) -%}
    case
        when {{ client }} in ('unknown', 'erased') then {{ client }}
        else
            left(encode(sha256(convert_to('{{ mask_secret() | replace("'", "''") }}' || {{ client }}, 'UTF8')), 'hex'), 12)
            || case
                when pg_input_is_valid({{ client }}, 'inet') and {{ client }} !~ '/'
                    then '@' || network(
                        set_masklen({{ client }}::inet, case family({{ client }}::inet) when 4 then 24 else 48 end)
                    )::text
                else ''
            end
    end
{%- endmacro %}
