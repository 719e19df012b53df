-- No mart has seen anything newer than what build_info says, and nothing that the copy has is newer either.
with versions as (
    select max(version) as version from {{ ref('window_counts') }}
    union all
    select max(version) as version from {{ ref('traffic') }}
    union all
    select max(version) as version from {{ ref('products') }}
    union all
    select max(version) as version from {{ ref('clients') }}
    union all
    select max(version) as version from {{ ref('action_counts') }}
)

select versions.version from versions
cross join {{ ref('build_info') }} as build_info
where versions.version > build_info.version
