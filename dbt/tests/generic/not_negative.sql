{% test not_negative(model, columns) %}
with wrong as (
    select * from {{ model }}
    where
        {% for column in columns %}
            {{ "or " if not loop.first }}coalesce({{ column }}, -1) < 0
        {% endfor %}
)

select * from wrong
{% endtest %}
