{% test unique_combination(model, columns) %}
with repeated as (
    select {{ columns | join(', ') }} from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1 or count({{ columns | join(') * count(') }}) = 0
)

select * from repeated
{% endtest %}
