-- One row per reason that counts for or against a client being a bot, with its points.
-- depends_on: {{ ref('bookmark') }}
{{ config(materialized='table', unique_key='reason', indexes=[{'columns': ['reason'], 'unique': true}]) }}

with rules (reason, points, threshold, class, meaning) as (
    values
    ('impostor', 120, 1, 'impostor', 'events in a known crawler''s name from an address not its own; most of all'),
    ('declared_crawler', 100, 1, 'crawler', 'events whose user agent says it is a crawler; most of all'),
    ('declared_tool', 100, 1, 'tool', 'events whose user agent is a library, headless browser or monitor; most of all'),
    ('probing', 100, 5, 'attacker', 'requests that only attackers make, or that are no HTTP'),
    ('card_testing', 100, 10, 'card_tester', 'checkouts of a day that were refused, with next to none paid'),
    ('network_walk', 80, 300, 'scraper', 'product views of a day by ten or more of its network, next to no cart'),
    ('catalogue_walk', 75, 150, 'scraper', 'product views of a day with next to no cart'),
    ('form_hammering', 80, 20, 'attacker', 'forms posted on a day, when it did little else'),
    ('no_assets', 70, 25, 'scraper', 'access-log pages of a day with next to no image, script or style'),
    ('request_rate', 80, 61, 'hammerer', 'page requests in its busiest minute'),
    ('steady_pace', 75, 45, 'monitor', 'active minutes of an hour that are more alike than chance makes people''s'),
    ('robots_disobeyed', 50, 1, 'scraper', 'carts, checkouts and forms of a client that has read robots.txt'),
    ('page_guessing', 40, 20, 'attacker', 'pages of a day that do not exist, at least half of what it asked for'),
    ('never_pauses', 30, 45, null, 'active minutes of its busiest hour; an office has many too'),
    ('no_agent', 20, 20, null, 'events without a user agent, at least half of all; some people hide theirs'),
    ('many_agents', 20, 4, null, 'groups of user agents in use, of four; an office uses all too'),
    ('robots_read', 15, 1, null, 'reads of robots.txt; the curious read it too'),
    ('buys', -60, 5, null, 'products put into carts, at least 1 for 50 views, and something paid for')
),

final as (
    select
        reason,
        points::integer as points,
        threshold::bigint as threshold,
        class,
        meaning,
        points > 0 and class is null as is_weak
    from rules
)

select * from final
