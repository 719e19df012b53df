{% macro marts_schema() -%}
    marts
{%- endmacro %}

{#
    SQL for the version that the published marts show, and which models made them of which fill of the mirror.
    No row where there are none, and where --full-refresh asks not to carry them on.
#}
{% macro published_stand() -%}
    {%- set is_there = execute and adapter.get_relation(target.database, marts_schema(), 'build_info') is not none -%}
    {%- if is_there and not flags.FULL_REFRESH -%}
        select
            version,
            filled_at,
            models
        from {{ marts_schema() }}.build_info
    {%- else -%}
        select
            null::bigint as version,
            null::timestamptz as filled_at,
            null::text as models
        where false
    {%- endif -%}
{%- endmacro %}

{#
    Bring what this run has built to the tables that analysts read: all in one transaction, that of build_info, the last
    model. Rows are only deleted, inserted and updated, which makes no reader wait; a lock that could is given up after half
    a second.
#}
{% macro publish_marts() -%}
    {%- if execute -%}
        {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list -%}
        {%- for node in models if node.unique_id not in selected_resources -%}
            {{ exceptions.raise_compiler_error('a run without ' ~ node.name ~ ' publishes nothing; run all models') }}
        {%- endfor -%}
        {%- set since = run_query('select since from ' ~ ref('bookmark')).columns[0].values()[0] -%}
        {%- set counted = counted_before_and_now() if since >= 0 -%}
        set local lock_timeout = '500ms';
        {%- for node in models if node.fqn[1] == 'marts' %}
            {{ publish_mart(node, since, counted) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
    SQL that brings one mart to what was built: the rows that changed replace those of the same unique_key, and windows that
    counting has passed meanwhile become complete. What is built from the start replaces all rows, and writes the mart's
    descriptions to PostgreSQL again. The table itself stays, whatever changes, because others may have views on it.
#}
{% macro publish_mart(node, since, counted) -%}
    {%- set mart = api.Relation.create(node.database, node.schema, node.alias, type='table') -%}
    {%- set built = built_part(mart) -%}
    {%- set is_there = adapter.get_relation(mart.database, mart.schema, mart.identifier) is not none -%}
    {%- set key = [node.config.unique_key] if node.config.unique_key is string else node.config.unique_key -%}
    {%- set keys = key | join(', ') if key -%}
    {%- set columns, shown = node.columns | join(', '), as_published(node.columns) -%}
    {%- set shown_keys = as_published(key) if key -%}
    {%- if counted and node.config.meta.window %}
        {{ complete_windows(mart, node.config.meta.window, counted) }}
    {%- endif -%}
    {%- if not is_there %}
        {{ create_mart(mart, built, node) }}
    {%- elif since < 0 %}
        delete from {{ mart }};
        {{ reshape_mart(mart, built, node) }}
    {%- endif %}
    {%- if not is_there or since < 0 %}
        {{ describe_mart(mart, node) }}
        insert into {{ mart }} ({{ columns }}) select {{ shown }} from {{ built }};
    {%- elif not key %}
        delete from {{ mart }};
        insert into {{ mart }} ({{ columns }}) select {{ shown }} from {{ built }};
    {%- elif node.config.materialized == 'renewed' %}
        delete from {{ mart }} where ({{ keys }}) in (
            select {{ keys }} from (
                select {{ columns }} from {{ mart }} except select {{ shown }} from {{ built }}
            ) as gone
        );
        insert into {{ mart }} ({{ columns }})
        select {{ shown }} from {{ built }} except select {{ columns }} from {{ mart }};
    {%- else %}
        delete from {{ mart }} where ({{ keys }}) in (select {{ shown_keys }} from {{ built }});
        insert into {{ mart }} ({{ columns }}) select {{ shown }} from {{ built }};
    {%- endif %}
{%- endmacro %}

{#
    Rows that did not change say whether their window was complete when they were published. Since then the newest event has
    moved on, or back with a replay. The flags of what lies between are no longer right, and an index on the window's start
    finds those rows.
#}
{% macro complete_windows(mart, window, counted) -%}
    {%- set both = counted.before ~ ', ' ~ counted.now -%}
    {%- if counted.before != counted.now -%}
        update {{ mart }} set is_complete = not is_complete
        where
            {{ window.start }} > least({{ both }}) - interval '{{ window.width }}'
            and {{ window.start }} <= greatest({{ both }}) - interval '{{ window.width }}'
            and is_complete != ({{ counted.now }} > {{ counted.before }});
    {%- endif -%}
{%- endmacro %}

{# Until when was counted when the marts were published, and until when now; as build_info has it, as SQL. #}
{% macro counted_before_and_now() -%}
    {%- set query -%}
        select
            coalesce(published.whole_until, '-infinity')::text,
            coalesce(built.whole_until, '-infinity')::text
        from {{ marts_schema() }}.build_info as published
        cross join {{ built_part(this) }} as built
    {%- endset -%}
    {%- set row = run_query(query).rows[0] -%}
    {{ return({'before': "timestamptz '" ~ row[0] ~ "'", 'now': "timestamptz '" ~ row[1] ~ "'"}) }}
{%- endmacro %}

{# Make a mart like the table that was built, with its key, and its indexes but for that which only builds need. #}
{% macro create_mart(mart, built, node) -%}
    create table {{ mart }} (like {{ built }});
    alter table {{ mart }} add primary key ({{ primary_key(node) | join(', ') }});
    {{ index_mart(mart, node) }}
{%- endmacro %}

{% macro index_mart(mart, node) -%}
    {%- for index in node.config.indexes if index.columns != ['version'] %}
        {{ get_create_index_sql(mart, index) }};
    {%- endfor %}
{%- endmacro %}

{#
    Give an emptied mart the columns and the key of the table that was built. Views that do without what goes stay. Those
    that use it cannot: they are dropped, and a warning names them, or one view could keep all marts from their readers.
#}
{% macro reshape_mart(mart, built, node) -%}
    {%- set before, after = shape_of(mart), shape_of(built) -%}
    {%- if before != after -%}
        {%- set lost = gone_from(before, after) -%}
        {%- set is_other_key = key_of(before) != key_of(after) -%}
        {%- do warn_of_lost_views(mart, lost, is_other_key) -%}
        {%- if is_other_key and key_of(before) %}
            alter table {{ mart }} drop constraint {{ adapter.quote(key_name(mart)) }} cascade;
        {%- endif %}
        {%- for name in lost %}
            alter table {{ mart }} drop column {{ adapter.quote(name) }} cascade;
        {%- endfor %}
        {%- for name in gone_from(after, before) %}
            alter table {{ mart }} add column {{ adapter.quote(name) }} {{ after[name].type }};
        {%- endfor %}
        {%- if is_other_key %}
            alter table {{ mart }} add primary key ({{ primary_key(node) | join(', ') }});
        {%- endif %}
        {%- for name in indexes_of(mart) %}
            drop index {{ mart.schema }}.{{ adapter.quote(name) }};
        {%- endfor %}
        {{ index_mart(mart, node) }}
    {%- endif %}
{%- endmacro %}

{% macro describe_mart(mart, node) -%}
    comment on table {{ mart }} is {{ postgres_escape_comment(node.description) }};
    {%- for column in node.columns.values() %}
        comment on column {{ mart }}.{{ column.name }} is {{ postgres_escape_comment(column.description) }};
    {%- endfor %}
{%- endmacro %}

{# It is declared for the column or, where there are several, for the model. #}
{% macro primary_key(node) -%}
    {%- set columns = [] -%}
    {%- for constraint in node.constraints if constraint.type == 'primary_key' -%}
        {%- do columns.extend(constraint.columns) -%}
    {%- endfor -%}
    {%- for column in node.columns.values() -%}
        {%- for constraint in column.constraints if constraint.type == 'primary_key' -%}
            {%- do columns.append(column.name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# What a table is like: by the name of a column, its type, and whether it is of the primary key. #}
{% macro shape_of(relation) -%}
    {%- set query -%}
        select
            columns.attname,
            format_type(columns.atttypid, columns.atttypmod) as column_type,
            coalesce(columns.attnum = any(keys.conkey), false) as is_key
        from pg_attribute as columns
        left join pg_constraint as keys on columns.attrelid = keys.conrelid and keys.contype = 'p'
        where columns.attrelid = '{{ relation }}'::regclass and columns.attnum > 0 and not columns.attisdropped
    {%- endset -%}
    {%- set shape = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- do shape.update({row[0]: {'type': row[1], 'is_key': row[2]}}) -%}
    {%- endfor -%}
    {{ return(shape) }}
{%- endmacro %}

{% macro gone_from(before, after) -%}
    {%- set gone = [] -%}
    {%- for name in before if name not in after or before[name].type != after[name].type -%}
        {%- do gone.append(name) -%}
    {%- endfor -%}
    {{ return(gone) }}
{%- endmacro %}

{# A column of another type is another column, and so is the key that it belongs to. #}
{% macro key_of(shape) -%}
    {%- set columns = {} -%}
    {%- for name in shape if shape[name].is_key -%}
        {%- do columns.update({name: shape[name].type}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{% macro key_name(mart) -%}
    {%- set query = "select conname from pg_constraint where contype = 'p' and conrelid = '" ~ mart ~ "'::regclass" -%}
    {{ return(run_query(query).columns[0].values()[0]) }}
{%- endmacro %}

{% macro indexes_of(mart) -%}
    {%- set query -%}
        select pg_class.relname
        from pg_index
        inner join pg_class on pg_index.indexrelid = pg_class.oid
        where pg_index.indrelid = '{{ mart }}'::regclass and not pg_index.indisprimary
    {%- endset -%}
    {{ return(run_query(query).columns[0].values()) }}
{%- endmacro %}

{% macro warn_of_lost_views(mart, lost, is_other_key) -%}
    {%- set query -%}
        select distinct pg_rewrite.ev_class::regclass::text
        from pg_depend
        inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid
        left join pg_attribute on pg_depend.refobjid = pg_attribute.attrelid and pg_depend.refobjsubid = pg_attribute.attnum
        left join pg_constraint on pg_depend.refobjid = pg_constraint.oid
        where
            pg_depend.classid = 'pg_rewrite'::regclass
            and (
                pg_depend.refclassid = 'pg_class'::regclass
                and pg_depend.refobjid = '{{ mart }}'::regclass
                and pg_attribute.attname = any(array[{{ "'" ~ lost | join("', '") ~ "'" }}]::name[])
                or {{ is_other_key }}
                and pg_depend.refclassid = 'pg_constraint'::regclass
                and pg_constraint.conrelid = '{{ mart }}'::regclass
            )
        order by 1
    {%- endset -%}
    {%- for view in run_query(query).columns[0].values() -%}
        {%- do exceptions.warn(
            mart.identifier ~ ' has lost ' ~ (lost | join(', ') or 'its key') ~ ', and with it goes the view ' ~ view
        ) -%}
    {%- endfor -%}
{%- endmacro %}
