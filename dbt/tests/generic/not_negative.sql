{# In a sparse column null is zero; in any other it is wrong. #}
{% test not_negative(model, columns, are_sparse=false) %}
with wrong as (
    select * from {{ model }}
    where
        {% for column in columns %}
            {{ "or " if not loop.first }}coalesce({{ column }}, {{ 0 if are_sparse else -1 }}) < 0
        {% endfor %}
)

select * from wrong
{% endtest %}
