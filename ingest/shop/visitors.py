"""The sessions of people in the shop: views, then carts, then checkouts. Pure: time is an argument."""

from __future__ import annotations

from random import Random

from ingest.shop.assets import first_page, later_page
from ingest.shop.catalogue import OFFICES, Shop, response_ms
from ingest.shop.event import Client, Deed
from ingest.shop.habits import login
from ingest.shop.log_line import SHOP, get, page_of
from ingest.shop.payments import Payments
from lake.contracts import ADD_TO_CART, CHECKOUT, VIEW

SECONDS_BETWEEN_CLICKS = 20
MEAN_VIEWS = 7
CARTS_PER_VIEW = 0.12
BUYERS = 0.34
"""Of those with something in the cart. With the cart share this makes the funnel 100 : 12 : 4."""
RETRIES_PAYMENT = 0.5
EVENING_SWING = 0.15
"""How much more often an awake shopper buys, and a sleepy one less."""
DEAD_LINKS = 0.004
BROKEN_PAGES = 0.001
LOGIN_PAGE = f"{SHOP}/login"
LOGINS = 0.15
"""Of what people do besides products, cart and checkout."""
WRONG_PASSWORDS = 0.15
MAX_SESSIONS = 20_000
FROM_OFFICES = 0.3
"""Visits that come from an office while one has a free desk."""
DESKS = 12
"""People of one office who are in the shop at once, at most."""
ORIGINS = (
    "-",
    "-",
    "https://www.google.com/",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://duckduckgo.com/",
)
"""Where a visit comes from."""


class Session:
    """One visit: what is still to be viewed, what is in the cart, whether it will be bought, which page is shown."""

    __slots__ = ("cart", "client", "is_buyer", "is_new", "office", "page", "to_cart", "to_pay", "views_left")

    def __init__(self, client: Client, office: int | None, views: int, is_buyer: bool, page: str) -> None:
        self.client = client
        self.office = office
        self.views_left = views
        self.is_buyer = is_buyer
        self.is_new = True
        self.page = page
        self.to_cart = ""
        self.cart: list[str] = []
        self.to_pay: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.views_left or self.to_cart or self.to_pay)


class Visitors:
    """All sessions that are under way; each click is the next one of a session drawn at random.

    Args:
        shop: what they visit.
        payments: where they pay.
        clicks_per_second: sets how many sessions run side by side, so that a person takes about
            :data:`SECONDS_BETWEEN_CLICKS` between two clicks. By night there are fewer sessions, which click
            faster, because the rate stays the same.
        without_agent: share of the visits that send no user agent.
        asides: share of the pages that are no product's: start page, category, search, login.
        pays_at_once: whether a checkout is one request for the whole cart, or one event for each product.
    """

    def __init__(
        self,
        shop: Shop,
        payments: Payments,
        clicks_per_second: float,
        without_agent: float,
        asides: float,
        pays_at_once: bool,
    ) -> None:
        self._shop = shop
        self._payments = payments
        self._without_agent = without_agent
        self._asides = asides
        self._pays_at_once = pays_at_once
        self._usual_sessions = clicks_per_second * SECONDS_BETWEEN_CLICKS
        self._sessions: list[Session] = []
        self._free_desks = [DESKS] * OFFICES

    def click(self, rng: Random, awake: float) -> Deed:
        """Return the next deed; ``awake`` from :func:`ingest.shop.catalogue.awake`."""
        sessions = self._sessions
        target = max(1, min(MAX_SESSIONS, int(self._usual_sessions * (1 + 0.5 * awake))))
        while len(sessions) < target:
            sessions.append(self._enter(rng, awake, is_under_way=True))
        index = int(rng.random() * len(sessions))
        session = sessions[index]
        deed = self._next_deed(session, rng)
        if session.is_over:
            if session.office is not None:
                self._free_desks[session.office] += 1
            if len(sessions) > target:
                sessions[index] = sessions[-1]
                sessions.pop()
            else:
                sessions[index] = self._enter(rng, awake)
        return deed

    def _enter(self, rng: Random, awake: float, is_under_way: bool = False) -> Session:
        """Open a session. One that is under way has some of its views, and perhaps its carts, behind it.

        Otherwise the first minutes would hold views only, and the funnel would build up slowly.
        """
        views = 1 + int(rng.expovariate(1 / (MEAN_VIEWS - 0.5)))
        is_buyer = rng.random() < BUYERS * (1 + EVENING_SWING * awake)
        office = self._office(rng)
        if office is None:
            client = self._shop.customer(rng, self._without_agent)
        else:
            client = self._shop.worker(rng, office, self._without_agent)
        session = Session(client, office, views, is_buyer, rng.choice(ORIGINS))
        if is_under_way:
            session.is_new = False
            for _ in range(int(rng.random() * views)):
                session.views_left -= 1
                if rng.random() < CARTS_PER_VIEW:
                    session.cart.append(self._shop.product(rng))
        return session

    def _office(self, rng: Random) -> int | None:
        """Draw the office that a new visitor comes from; most come from none."""
        if rng.random() >= FROM_OFFICES:
            return None
        office = int(rng.random() * OFFICES)
        if not self._free_desks[office]:
            return None
        self._free_desks[office] -= 1
        return office

    def _next_deed(self, session: Session, rng: Random) -> Deed:
        if session.to_cart:
            product_id, session.to_cart = session.to_cart, ""
            session.cart.append(product_id)
            self._maybe_head_for_the_till(session)
            return Deed(session.client, ADD_TO_CART, product_id, 200, response_ms(rng, 60), "", session.page)
        if session.to_pay:
            return self._pay(session, rng)
        if session.page == LOGIN_PAGE:
            return self._log_in(session, rng)
        deed = self._look_around(session, rng) if rng.random() < self._asides else self._view(session, rng)
        session.is_new = False
        session.page = page_of(deed)
        return deed

    def _log_in(self, session: Session, rng: Random) -> Deed:
        """Try a password; a wrong one leaves the visitor on the page, to try again."""
        is_right = rng.random() >= WRONG_PASSWORDS
        if is_right:
            session.page = f"{SHOP}/account"
        return login(session.client, rng, is_right, LOGIN_PAGE)

    def _look_around(self, session: Session, rng: Random) -> Deed:
        path = "/login" if rng.random() < LOGINS else self._shop.aside(rng)
        response = response_ms(rng, 60)
        return Deed(session.client, "", "", 200, response, get(path), session.page, _assets(session, rng))

    def _view(self, session: Session, rng: Random) -> Deed:
        session.views_left -= 1
        luck = rng.random()
        product_id, status_code, typical_ms, assets = self._shop.product(rng), 200, 80, _assets(session, rng)
        if luck < DEAD_LINKS:
            product_id, status_code, typical_ms = self._shop.retired_product(rng), 404, 20
        elif luck < DEAD_LINKS + BROKEN_PAGES:
            status_code, typical_ms, assets = 500, 900, 0
        elif rng.random() < CARTS_PER_VIEW:
            session.to_cart = product_id
        self._maybe_head_for_the_till(session)
        response = response_ms(rng, typical_ms)
        return Deed(session.client, VIEW, product_id, status_code, response, "", session.page, assets)

    def _pay(self, session: Session, rng: Random) -> Deed:
        product_id = session.to_pay[-1]
        status_code = self._payments.answer()
        if status_code == 200 or rng.random() >= RETRIES_PAYMENT:
            session.to_pay.pop()
        return Deed(session.client, CHECKOUT, product_id, status_code, response_ms(rng, 350), "", session.page)

    def _maybe_head_for_the_till(self, session: Session) -> None:
        if session.is_buyer and not session.views_left and not session.to_cart and session.cart:
            session.to_pay, session.cart = session.cart[:1] if self._pays_at_once else session.cart, []


def _assets(session: Session, rng: Random) -> int:
    return first_page(rng) if session.is_new else later_page(rng)
