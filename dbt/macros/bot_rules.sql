{#
    What counts for or against a client being a bot, heaviest first. An edit has everything built anew.
    reason, points, threshold, class (none where the reason says nothing of that kind), figure of a `client`, meaning
#}
{% macro bot_rules() -%}
    {{ return([
        ('impostor', 120, 1, 'impostor', if_mostly('client.impostor_events', 'client.requests'),
         "events in a known crawler's name from an address not its own; most of all"),
        ('declared_crawler', 100, 1, 'crawler', if_mostly('client.crawler_events', 'client.requests'),
         'events whose user agent says it is a crawler; most of all'),
        ('declared_tool', 100, 1, 'tool', if_mostly('client.tool_events', 'client.requests'),
         'events whose user agent is a library, headless browser or monitor; most of all'),
        ('probing', 100, 5, 'attacker', 'client.probes',
         'requests that only attackers make, or that are no HTTP'),
        ('card_testing', 100, 10, 'card_tester', 'client.refused_checkouts',
         'checkouts of a day that were refused, with next to none paid'),
        ('network_walk', 80, 300, 'scraper', 'client.shared_views',
         'product views of a day by ten or more of its network, next to no cart'),
        ('catalogue_walk', 75, 150, 'scraper', 'client.walked_views',
         'product views of a day with next to no cart'),
        ('form_hammering', 80, 20, 'attacker', 'client.hammered_forms',
         'forms posted on a day, when it did little else'),
        ('no_assets', 70, 25, 'scraper', 'client.bare_pages',
         'access-log pages of a day with next to no image, script or style'),
        ('request_rate', 80, 61, 'hammerer', 'client.peak_requests_per_minute',
         'page requests in its busiest minute'),
        ('steady_pace', 75, 45, 'monitor', 'client.steady_minutes',
         "active minutes of an hour that are more alike than chance makes people's"),
        ('robots_disobeyed', 50, 1, 'scraper', 'client.disobeyed',
         'carts, checkouts and forms of a client that has read robots.txt'),
        ('page_guessing', 40, 20, 'attacker', 'client.guessed_pages',
         'pages of a day that do not exist, at least half of what it asked for'),
        ('never_pauses', 30, 45, none, 'client.active_minutes',
         'active minutes of its busiest hour; an office has many too'),
        ('no_agent', 20, 20, none, if_mostly('client.no_agent', 'client.requests'),
         'events without a user agent, at least half of all; some people hide theirs'),
        ('many_agents', 20, 4, none, 'client.agent_groups',
         'groups of user agents in use, of four; an office uses all too'),
        ('robots_read', 15, 1, none, 'client.robots_reads',
         'reads of robots.txt; the curious read it too'),
        ('buys', -60, 5, none, 'client.bought',
         'products put into carts, at least 1 for 50 views, and something paid for'),
    ]) }}
{%- endmacro %}
