"""Who the bots are: the kinds, and for each seed their addresses and what they call themselves."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ingest.shop.catalogue import GUEST, Shop, public_address, user_id
from ingest.shop.event import Client

HAMMER = "hammer"
CRAWLER = "crawler"
SCRAPER = "scraper"
WALKER = "walker"
CARD_TESTER = "card_tester"
POLITE_CRAWLER = "polite_crawler"
IMPOSTOR = "impostor"
LOGIN_HAMMERER = "login_hammerer"
PROBER = "prober"
ROTATING = "rotating"
MONITOR = "monitor"

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BINGBOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
SEZNAMBOT = "Mozilla/5.0 (compatible; SeznamBot/4.0; +https://o-seznam.cz/napoveda/vyhledavani/en/seznambot-crawler/)"
MJ12BOT = "Mozilla/5.0 (compatible; MJ12bot/v2.0.2; http://mj12bot.com/)"
UPTIMEROBOT = "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"
PINGDOM = "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)"
ZGRAB = "Mozilla/5.0 zgrab/0.x"

GOOGLE_NETS = ("66.249.64", "66.249.66")
BING_NETS = ("40.77.167", "157.55.39", "207.46.13")
SEZNAM_NETS = ("77.75.76", "77.75.78")
"""The /24s that the crawlers' own addresses are drawn from, hosts 1 to 62."""

SPECIFIED_HAMMER = Client("192.168.1.100", GUEST, "Bot-Agent/1.0", HAMMER)
"""The one bot that is the same for every seed."""

ROTATED_ADDRESSES = 60


class Rotation:
    """The addresses of one /24 that a scraper uses in turn, each time as another browser."""

    def __init__(self, shop: Shop, rng: Random) -> None:
        net = public_address(rng).rsplit(".", 1)[0]
        self._shop = shop
        self._addresses = [f"{net}.{host}" for host in sorted(rng.sample(range(1, 255), ROTATED_ADDRESSES))]

    def client(self, rng: Random) -> Client:
        """Draw the face of the next request."""
        return Client(rng.choice(self._addresses), GUEST, self._shop.agent(rng), ROTATING)


def draw_clients(shop: Shop, rng: Random) -> dict[str, list[Client]]:
    """Return the bots of each kind but :data:`ROTATING`; no two have the same address."""
    addresses = {SPECIFIED_HAMMER.ip_address}

    def bot(kind: str, agent: str | None, nets: tuple[str, ...] = (), user: str = GUEST) -> Client:
        address = _address(rng, nets)
        while address in addresses:
            address = _address(rng, nets)
        addresses.add(address)
        return Client(address, user, agent, kind)

    def browsers(kind: str, count: int) -> list[Client]:
        return [bot(kind, shop.agent(rng), user=user_id(rng)) for _ in range(count)]

    draws: dict[str, Callable[[], list[Client]]] = {
        HAMMER: lambda: [SPECIFIED_HAMMER, *browsers(HAMMER, 2)],
        CRAWLER: lambda: [
            *(bot(CRAWLER, GOOGLEBOT, GOOGLE_NETS) for _ in range(2)),
            bot(CRAWLER, BINGBOT, BING_NETS),
        ],
        SCRAPER: lambda: browsers(SCRAPER, 4),
        WALKER: lambda: browsers(WALKER, 2),
        CARD_TESTER: lambda: [*browsers(CARD_TESTER, 2), bot(CARD_TESTER, None)],
        POLITE_CRAWLER: lambda: [
            bot(POLITE_CRAWLER, BINGBOT, BING_NETS),
            bot(POLITE_CRAWLER, SEZNAMBOT, SEZNAM_NETS),
            bot(POLITE_CRAWLER, MJ12BOT),
        ],
        IMPOSTOR: lambda: [bot(IMPOSTOR, GOOGLEBOT) for _ in range(3)],
        LOGIN_HAMMERER: lambda: browsers(LOGIN_HAMMERER, 3),
        PROBER: lambda: [*browsers(PROBER, 1), bot(PROBER, ZGRAB), bot(PROBER, None)],
        MONITOR: lambda: [bot(MONITOR, UPTIMEROBOT), bot(MONITOR, PINGDOM), *browsers(MONITOR, 2)],
    }
    return {kind: draw() for kind, draw in draws.items()}


def _address(rng: Random, nets: tuple[str, ...]) -> str:
    return f"{rng.choice(nets)}.{rng.randint(1, 62)}" if nets else public_address(rng)
