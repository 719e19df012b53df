{#
    Only one run at a time may build, and the newest does: it has replaced staging.bookmark with its own.
    Each model asks so in its own transaction, and has thereby locked that table against being replaced until it is done.
#}
{% macro go_on_as_the_newest_run() -%}
    {%- set bookmark = ref('bookmark') -%}
    {%- if execute and run_query('select run from ' ~ bookmark).columns[0].values()[0] != invocation_id -%}
        {{ exceptions.raise_compiler_error(
            'this run does not lead (any more): another has begun, or the selection lacks the model bookmark; '
            ~ 'run dbt again, for single models with all before them, such as --select +' ~ model.name
        ) }}
    {%- endif -%}
{%- endmacro %}

{# A mirror that was set back, to an old backup say, comes up again by itself. Marts built from it would shrink. #}
{% macro refuse_a_mirror_behind_the_marts() -%}
    {%- set query -%}
        select
            coalesce(mirror.version, -1) as mirror,
            published.version as marts
        from ({{ published_stand() }}) as published
        left join {{ source('silver', 'bookmark') }} as mirror on true
        where
            published.version > coalesce(mirror.version, -1)
            and published.filled_at >= coalesce(mirror.filled_at, timestamptz 'epoch')
    {%- endset -%}
    {%- for behind in (run_query(query).rows if execute else []) -%}
        {{ exceptions.raise_compiler_error(
            'the mirror stands at version ' ~ behind[0] ~ ', the marts show version ' ~ behind[1] ~ ' already '
            ~ 'and stay as they are; run dbt again when the mirror has caught up'
        ) }}
    {%- endfor -%}
{%- endmacro %}
