"""The people in the shop: sessions of views, then carts, then checkouts. Pure: time is an argument."""

from __future__ import annotations

from random import Random

from ingest.event import Client, Deed
from ingest.payments import Payments
from ingest.shop import Shop
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
MAX_SESSIONS = 20_000


class Session:
    """One visit: what is still to be viewed, what is in the cart, whether it will be bought."""

    __slots__ = ("cart", "client", "is_buyer", "to_cart", "to_pay", "views_left")

    def __init__(self, client: Client, views: int, is_buyer: bool) -> None:
        self.client = client
        self.views_left = views
        self.is_buyer = is_buyer
        self.to_cart = ""
        self.cart: list[str] = []
        self.to_pay: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.views_left or self.to_cart or self.to_pay)


class Visitors:
    """All sessions that are under way; each click is the next one of a session drawn at random.

    ``clicks_per_second`` sets how many sessions run side by side, so that a person takes about
    :data:`SECONDS_BETWEEN_CLICKS` between two clicks. By night there are fewer sessions, which click on faster,
    because the rate is given.
    """

    def __init__(self, shop: Shop, payments: Payments, clicks_per_second: float, without_agent: float) -> None:
        self._shop = shop
        self._payments = payments
        self._without_agent = without_agent
        self._usual_sessions = clicks_per_second * SECONDS_BETWEEN_CLICKS
        self._sessions: list[Session] = []

    def click(self, rng: Random, offset: float, awake: float) -> Deed:
        """Return the next deed; ``offset`` in seconds since the start, ``awake`` from :func:`ingest.shop.awake`."""
        sessions = self._sessions
        wanted = max(1, min(MAX_SESSIONS, int(self._usual_sessions * (1 + 0.5 * awake))))
        while len(sessions) < wanted:
            sessions.append(self._enter(rng, awake, is_under_way=True))
        place = int(rng.random() * len(sessions))
        session = sessions[place]
        deed = self._next_deed(session, rng, offset)
        if session.is_over:
            if len(sessions) > wanted:
                sessions[place] = sessions[-1]
                sessions.pop()
            else:
                sessions[place] = self._enter(rng, awake)
        return deed

    def _enter(self, rng: Random, awake: float, is_under_way: bool = False) -> Session:
        """Open a session. One that is under way has some of its views, and perhaps its carts, behind it.

        Without those the first minutes would hold views only, and the funnel would build up slowly.
        """
        views = 1 + int(rng.expovariate(1 / (MEAN_VIEWS - 0.5)))
        is_buyer = rng.random() < BUYERS * (1 + EVENING_SWING * awake)
        session = Session(self._shop.customer(rng, self._without_agent), views, is_buyer)
        if is_under_way:
            for _ in range(int(rng.random() * views)):
                session.views_left -= 1
                if rng.random() < CARTS_PER_VIEW:
                    session.cart.append(self._shop.product(rng))
        return session

    def _next_deed(self, session: Session, rng: Random, offset: float) -> Deed:
        if session.to_cart:
            product_id, session.to_cart = session.to_cart, ""
            session.cart.append(product_id)
            self._maybe_head_for_the_till(session)
            return Deed(session.client, ADD_TO_CART, product_id, 200, _response_ms(rng, 60))
        if session.to_pay:
            return self._pay(session, rng, offset)
        return self._view(session, rng)

    def _view(self, session: Session, rng: Random) -> Deed:
        session.views_left -= 1
        luck = rng.random()
        if luck < DEAD_LINKS:
            deed = Deed(session.client, VIEW, self._shop.retired_product(rng), 404, _response_ms(rng, 20))
        elif luck < DEAD_LINKS + BROKEN_PAGES:
            deed = Deed(session.client, VIEW, self._shop.product(rng), 500, _response_ms(rng, 900))
        else:
            deed = Deed(session.client, VIEW, self._shop.product(rng), 200, _response_ms(rng, 80))
            if rng.random() < CARTS_PER_VIEW:
                session.to_cart = deed.product_id
        self._maybe_head_for_the_till(session)
        return deed

    def _pay(self, session: Session, rng: Random, offset: float) -> Deed:
        product_id = session.to_pay[-1]
        status_code = self._payments.answer(offset)
        if status_code == 200 or rng.random() >= RETRIES_PAYMENT:
            session.to_pay.pop()
        return Deed(session.client, CHECKOUT, product_id, status_code, _response_ms(rng, 350))

    def _maybe_head_for_the_till(self, session: Session) -> None:
        if session.is_buyer and not session.views_left and not session.to_cart and session.cart:
            session.to_pay, session.cart = session.cart, []


def _response_ms(rng: Random, typical: int) -> int:
    """Draw a response time around ``typical`` milliseconds, with a long tail."""
    return int(typical * (0.5 + rng.expovariate(1.0)))
