{#
    What counts for or against a client being a bot, heaviest first. After an edit, everything is built from the start.
    The class is none where the reason says nothing of that kind. The figure is that of a `client`.
#}
{% macro bot_rules() -%}
    {{ return([
        {
            'reason': 'impostor', 'points': 120, 'threshold': 1, 'class': 'impostor',
            'figure': if_declared('client.impostor_events'),
            'meaning': "events in a known crawler's name from an address not its own; 90 % are in bots' names",
        },
        {
            'reason': 'declared_crawler', 'points': 100, 'threshold': 1, 'class': 'crawler',
            'figure': if_declared('client.crawler_events'),
            'meaning': "events whose user agent says it is a crawler; 90 % are in bots' names",
        },
        {
            'reason': 'declared_tool', 'points': 100, 'threshold': 1, 'class': 'tool',
            'figure': if_declared('client.tool_events'),
            'meaning': "events whose user agent is a library, headless browser or monitor; 90 % are in bots' names",
        },
        {
            'reason': 'probing', 'points': 100, 'threshold': 10, 'class': 'attacker',
            'figure': by_share('client.probing_requests', 'client.probes', 'client.page_requests'),
            'meaning': 'requests of a day that only attackers make, or that are no HTTP, at least a third of all',
        },
        {
            'reason': 'card_testing', 'points': 100, 'threshold': 10, 'class': 'card_tester',
            'figure': 'client.tested_cards',
            'meaning': 'checkouts of a day that were refused, with next to none paid',
        },
        {
            'reason': 'network_walk', 'points': 80, 'threshold': 300, 'class': 'scraper',
            'figure': unless('client.is_crowd', 'client.shared_views'),
            'meaning': 'product views of a day by ten or more of its network, next to no cart',
        },
        {
            'reason': 'catalogue_walk', 'points': 75, 'threshold': 150, 'class': 'scraper',
            'figure': unless('client.is_crowd', 'client.walked_views'),
            'meaning': 'product views of a day with next to no cart',
        },
        {
            'reason': 'form_hammering', 'points': 80, 'threshold': 20, 'class': 'attacker',
            'figure': by_share('client.hammered_forms', 'client.posts', 'client.page_requests'),
            'meaning': 'forms posted on a day, when it did little else',
        },
        {
            'reason': 'no_assets', 'points': 70, 'threshold': 25, 'class': 'scraper',
            'figure': unless('client.is_crowd', 'client.bare_pages'),
            'meaning': 'pages that a browser asked for on a day, with next to no image, script or style, and no cart',
        },
        {
            'reason': 'request_rate', 'points': 80, 'threshold': 61, 'class': 'hammerer',
            'figure': unless('client.has_many_agents or client.is_crowd', 'client.peak_requests_per_minute'),
            'meaning': 'page requests in its busiest minute, of a client with few agents',
        },
        {
            'reason': 'steady_pace', 'points': 75, 'threshold': 45, 'class': 'monitor',
            'figure': unless('client.is_crowd or client.fetches_assets', 'client.steady_minutes'),
            'meaning': "active minutes of an hour that are more alike than chance makes people's, without images",
        },
        {
            'reason': 'robots_disobeyed', 'points': 50, 'threshold': 1, 'class': 'scraper',
            'figure': unless('client.has_many_agents or client.is_crowd', 'client.disobeyed'),
            'meaning': 'carts, checkouts and forms (a quarter of all) of one that read robots.txt and shops unlike people',
        },
        {
            'reason': 'page_guessing', 'points': 40, 'threshold': 20, 'class': 'attacker',
            'figure': by_share('client.guessed_pages', 'client.not_found', 'client.requests'),
            'meaning': 'pages of a day that do not exist, at least half of what it asked for',
        },
        {
            'reason': 'never_pauses', 'points': 30, 'threshold': 45, 'class': none,
            'figure': unless(
                'client.is_crowd or client.has_many_agents and client.fills_carts', 'client.active_minutes'
            ),
            'meaning': 'active minutes of its busiest hour; an office has many too',
        },
        {
            'reason': 'no_agent', 'points': 20, 'threshold': 20, 'class': none,
            'figure': if_mostly('client.no_agent', 'client.requests'),
            'meaning': 'events without a user agent, at least half of all; some people hide theirs',
        },
        {
            'reason': 'many_agents', 'points': 20, 'threshold': 4, 'class': none,
            'figure': unless('client.is_crowd or client.fills_carts', 'client.agent_groups'),
            'meaning': 'groups of user agents in use, of four, with next to no cart; an office uses all too',
        },
        {
            'reason': 'robots_read', 'points': 15, 'threshold': 1, 'class': none,
            'figure': unless('client.has_many_agents or client.is_crowd', 'client.robots_reads'),
            'meaning': 'reads of robots.txt; the curious read it too',
        },
        {
            'reason': 'many_searches', 'points': 10, 'threshold': 60, 'class': none,
            'figure': unless('client.has_many_agents or client.is_crowd', 'client.searches'),
            'meaning': 'searches of the shop; those who compare prices search a lot too',
        },
        {
            'reason': 'buys', 'points': -60, 'threshold': 5, 'class': none,
            'figure': 'client.bought',
            'meaning': 'products put into carts, at least 1 for 50 views, and something paid for',
        },
    ]) }}
{%- endmacro %}
