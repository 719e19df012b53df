{% macro window_of(column, width) -%}
    date_bin('{{ width }}', {{ column }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}

{# How many windows of ten seconds of a dimension every mart that reads it reads all or nothing of. #}
{% macro finest_window(dimension) -%}
    case {{ dimension }} when 'client_day' then 1 when 'client' then 6 else 30 end
{%- endmacro %}

{% macro finest_window_of(dimension, column) -%}
    date_bin({{ finest_window(dimension) }} * interval '10 seconds', {{ column }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}

{#
    The first step of a model over the counts of a dimension, each with the start of the window that the model has it in.
    The copy has all of a window's counts where any of them is newer than what this run builds on.
#}
{% macro counts_by_window(dimension, width) -%}
    counts as (
        select
            *,
            {{ window_of('window_start', width) }} as starts_at
        from {{ ref('window_counts') }}
        where dimension = '{{ dimension }}'
    )
{%- endmacro %}

{#
    What every mart of windows says of a window: whether it is complete, and the starts of the wider windows that it lies in,
    by which marts of other windows join. What a later run makes complete, publish_marts() brings up to date.
#}
{% macro window_columns(column, width) -%}
    {%- set names = {'5 minutes': 'five_minutes_start', '1 hour': 'hour_start', '1 day': 'day_start'} -%}
    {%- set widths = ['1 minute'] + names | list -%}
    {{ column }} + interval '{{ width }}' <= {{ whole_until() }} as is_complete
    {%- for wider in widths[widths.index(width) + 1:] -%}
        , {{ window_of(column, wider) }} as {{ names[wider] }}
    {%- endfor -%}
{%- endmacro %}

{#
    Read beforehand and written into the SQL, as built_version() is. An event may be ahead of the clock by some minutes, but
    nothing is whole of which Kafka may still get the rest.
#}
{% macro whole_until() -%}
    {%- set counts, bookmark = ref('window_counts'), ref('bookmark') -%}
    {%- set is_run = execute and flags.WHICH in ('run', 'build') -%}
    {%- if is_run and model.config.materialized in ('additive', 'changes', 'renewed') -%}
        {%- set query -%}
            select coalesce(least(max({{ seen_at('last') }}) + interval '10 seconds', min(bookmark.counted_until)), '-infinity')::text
            from {{ bookmark }} as bookmark
            left join {{ counts }} as counts on dimension = 'all' and key = 'all' and events > 0
        {%- endset -%}
        timestamptz '{{ run_query(query).columns[0].values()[0] }}'
    {%- else -%}
        timestamptz '-infinity'
    {%- endif -%}
{%- endmacro %}

{# The ten-second window of the first or the last event of a row of counts, however wide its own window is. #}
{% macro seen_at(edge) -%}
    window_start + coalesce({{ edge }}_seen, 0) * interval '10 seconds'
{%- endmacro %}

{#
    SQL that forgets the minutes that are settled: the copy has them as lists, by client and day.
#}
{% macro forget_settled_minutes() -%}
    delete from {{ this }} where window_start < (select max(settled_until) from {{ ref('window_counts') }})
{%- endmacro %}

{% macro in_window(column, start, width) -%}
    {{ column }} >= {{ start }} and {{ column }} < {{ start }} + interval '{{ width }}'
{%- endmacro %}
