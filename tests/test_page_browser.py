"""The live page in a real browser: what it shows, follows and never runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Page, browsing
from frames import at
from mirrors import count
from pages import DEEDS, ODD_PRODUCT, Reader, count_deeds, served

from lake.settings import Settings
from marts.build import Marts, build

pytestmark = [pytest.mark.stack, pytest.mark.debian("chromium")]


@pytest.fixture(scope="module")
def reader(shop: Settings, marts: Marts) -> Iterator[Reader]:
    count_deeds(shop, 1, *DEEDS)
    build(marts, shop)
    with served(shop) as reader:
        yield reader


@pytest.fixture(scope="module")
def page(reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser")) as page:
        page.open(f"http://127.0.0.1:{reader.port}/?period=all")
        yield page


def shown(page: Page, card: str) -> list[int]:
    """Return the numbers in the legend of a card's chart."""
    page.wait_for(f"document.querySelector('.card-{card} .legend b')")
    return [int(text.replace(",", "")) for text in page.texts(f".card-{card} .legend b")]


def switch(page: Page, who: str) -> None:
    """Press a button of the switch, and wait until the panels have followed."""
    page.evaluate("for (const card of document.querySelectorAll('.card')) card.setAttribute('aria-busy', 'true')")
    page.evaluate(f"document.querySelector('[data-key=\"People or bots {who}\"]').click()")
    page.wait_for("document.querySelectorAll('.card[aria-busy=true]').length === 0")


def test_every_panel_is_drawn_and_nothing_complains(page: Page, reader: Reader) -> None:
    page.wait_for("document.querySelectorAll('.card[aria-busy=false]').length === 9")
    assert shown(page, "traffic") == [21, 41]
    assert page.texts(".steps b") == ["44", "5", "13", "3"]
    assert page.happened("Runtime.exceptionThrown") == []
    assert page.happened("Log.entryAdded") == []
    asked = {event["request"]["url"] for event in page.happened("Network.requestWillBeSent")}
    assert all(address.startswith(f"http://127.0.0.1:{reader.port}/") for address in asked)


def test_the_address_that_make_up_prints_opens_the_page_and_leaves_no_password_in_it(
    shop: Settings, reader: Reader, tmp_path: Path
) -> None:
    password = "a #1 pass word&"
    with served(shop, page_password=password) as closed, browsing(tmp_path) as page:
        page.open(replace(shop.outlook, page_port=closed.port, page_password=password).page_address)
        page.wait_for("document.querySelectorAll('.card[aria-busy=false]').length === 9")
        assert page.evaluate("location.href").partition("?")[0] == f"http://127.0.0.1:{closed.port}/"
        sent = [event["request"]["url"] for event in page.happened("Network.requestWillBeSent")]
        assert [address for address in sent if "pass" in address] == []


def test_the_switch_leaves_people_or_bots(page: Page) -> None:
    switch(page, "people")
    assert (shown(page, "traffic"), page.texts(".steps b")) == ([21], ["12", "4", "5", "3"])
    switch(page, "bots")
    assert (shown(page, "traffic"), page.texts(".steps b")) == ([41], ["32", "1", "8", "0"])
    switch(page, "all")
    assert shown(page, "traffic") == [21, 41]


def test_a_product_that_looks_like_a_script_is_text_and_filters(page: Page) -> None:
    assert ODD_PRODUCT in page.texts(".card-products .name button")
    assert page.evaluate("document.querySelectorAll('main script').length") == 0
    page.evaluate(
        "[...document.querySelectorAll('.card-products .name button')]"
        ".find((one) => one.textContent.includes('script')).click()"
    )
    page.wait_for("document.querySelector('.steps b').textContent === '5'")
    assert page.texts(".card-funnel .note") == [f"product {ODD_PRODUCT}"]
    assert "shows all products" in page.texts(".card-traffic .note")[0]
    assert page.happened("Page.javascriptDialogOpening") == []
    page.evaluate("history.back()")
    page.wait_for("document.querySelector('.steps b').textContent === '44'")


def test_an_import_appears_without_a_reload(page: Page, shop: Settings, marts: Marts) -> None:
    page.evaluate("window.isTheSame = true")
    old = at(-365 * 86_400)
    count(shop, 2, {("all", old, "all", False): {"events": 9}, ("action", old, "other", False): {"events": 9}})
    build(marts, shop)
    page.wait_for("document.querySelector('.card-traffic .legend b').textContent === '30'")
    assert page.evaluate("window.isTheSame") is True


def test_a_tab_says_that_it_is_cut_off_and_goes_on_when_the_server_is_back(
    shop: Settings, tmp_path: Path, built: int
) -> None:
    with browsing(tmp_path) as page:
        with served(shop) as reader:
            page.open(f"http://127.0.0.1:{reader.port}/?period=all")
            page.wait_for("document.querySelector('.card-traffic .legend b')")
            assert page.evaluate("document.getElementById('cut').hidden") is True
        page.wait_for("document.getElementById('cut').textContent.startsWith('Cut off since')")
        with served(shop, page_port=reader.port):
            page.wait_for("document.getElementById('cut').hidden")
