"""The panels of the live page: what each shows is what the marts say, for people, for bots and for all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from frames import at, iso
from mirrors import count, execute
from pages import DEEDS, FORMULA_PRODUCT, ODD_PRODUCT, Reader, count_deeds, count_rejected, served

from lake.settings import Settings
from marts.build import Marts, build
from page.panels import PANELS

pytestmark = pytest.mark.stack

SUMS = {
    "now": ("minutes", ("people", "bots", "carts", "checkouts", "failed_payments")),
    "traffic": ("series", ("people", "bots")),
    "funnel": ("steps", ("views", "carts", "checkouts", "paid")),
    "products": ("products", ("views", "carts", "checkouts")),
    "payments": ("series", ("checkouts", "failed", "declined")),
    "slow": ("actions", ("events", "client_errors", "server_errors")),
    "bots": ("series", ("events",)),
}
"""Panel -> its table of counts, and the columns that add up."""
OF_MARTS = """
select
    t.human_events, t.bot_events, t.views, t.human_views, t.add_to_carts, t.human_add_to_carts,
    p.checkouts, p.human_checkouts, p.payment_errors, p.human_payment_errors, p.declined_count, p.human_declined_count,
    a.client_errors, a.human_client_errors, a.server_errors, a.human_server_errors
from (select sum(human_events)::int as human_events, sum(bot_events)::int as bot_events, sum(views)::int as views,
    sum(human_views)::int as human_views, sum(add_to_carts)::int as add_to_carts,
    sum(human_add_to_carts)::int as human_add_to_carts from marts.traffic) as t,
    (select sum(checkouts)::int as checkouts, sum(human_checkouts)::int as human_checkouts,
    sum(payment_errors)::int as payment_errors, sum(human_payment_errors)::int as human_payment_errors,
    sum(declined_count)::int as declined_count, sum(human_declined_count)::int as human_declined_count
    from marts.payment_errors) as p,
    (select sum(client_errors)::int as client_errors, sum(human_client_errors)::int as human_client_errors,
    sum(server_errors)::int as server_errors, sum(human_server_errors)::int as human_server_errors
    from marts.action_counts) as a
"""


@pytest.fixture(scope="module")
def reader(shop: Settings, marts: Marts) -> Iterator[Reader]:
    count_deeds(shop, 1, *DEEDS)
    count_rejected(shop, 1, 3)
    build(marts, shop)
    with served(shop) as reader:
        yield reader


def sums(reader: Reader, panel: str, who: str, **query: str) -> dict[str, int]:
    """Add up what a panel shows of all time, or of the time that the query names; what is switched off is 0."""
    table, columns = SUMS[panel]
    words = "&".join(f"{name}={value}" for name, value in {"period": "all", "who": who, **query}.items())
    rows = reader.ask(f"/api/{panel}?{words}").table(table)
    return {column: sum(row[column] or 0 for row in rows) for column in columns}


def of_marts(settings: Settings) -> dict[str, dict[str, dict[str, int]]]:
    """Return who -> panel -> sums, in plain SQL over the marts."""
    (row,) = execute(settings, OF_MARTS)
    people, bots, *pairs = row
    names = ("views", "carts", "checkouts", "failed", "declined", "client_errors", "server_errors")
    both = dict(zip(names, zip(pairs[::2], pairs[1::2], strict=True), strict=True))
    human = {name: one for name, (_, one) in both.items()}
    every = {name: one for name, (one, _) in both.items()}
    rest = {name: every[name] - human[name] for name in names}
    return {
        "people": _of_panels(human, people, 0),
        "bots": _of_panels(rest, 0, bots),
        "all": _of_panels(every, people, bots),
    }


def _of_panels(counts: dict[str, int], people: int, bots: int) -> dict[str, dict[str, int]]:
    failed = counts["failed"] + counts["declined"]
    steps = {name: counts[name] for name in ("views", "carts", "checkouts")}
    named = sum(deed.times for deed in DEEDS if deed.action == "checkout" and deed.product is None)
    return {
        "now": {
            **{"people": people, "bots": bots, "carts": counts["carts"], "checkouts": counts["checkouts"]},
            "failed_payments": failed,
        },
        "traffic": {"people": people, "bots": bots},
        "funnel": {**steps, "paid": counts["checkouts"] - failed},
        "products": {**steps, "checkouts": counts["checkouts"] - (named if bots else 0)},
        "payments": {name: counts[name] for name in ("checkouts", "failed", "declined")},
        "slow": {
            "events": people + bots,
            "client_errors": counts["client_errors"],
            "server_errors": counts["server_errors"],
        },
        "bots": {"events": people + bots},
    }


@pytest.mark.parametrize("who", ["people", "bots", "all"])
@pytest.mark.parametrize("panel", SUMS)
def test_a_panel_adds_up_to_the_marts(reader: Reader, shop: Settings, panel: str, who: str) -> None:
    assert sums(reader, panel, who) == of_marts(shop)[who][panel]


@pytest.mark.parametrize("panel", SUMS)
def test_the_switch_takes_away_exactly_what_bots_did(reader: Reader, panel: str) -> None:
    people, bots, both = (sums(reader, panel, who) for who in ("people", "bots", "all"))
    assert both == {name: people[name] + bots[name] for name in both}
    assert any(bots.values())
    assert any(people.values())


def test_a_period_has_the_windows_that_begin_in_it(reader: Reader) -> None:
    first = sums(reader, "funnel", "all", period=f"{iso(0)}/{iso(300)}")
    assert first == {"views": 42, "carts": 0, "checkouts": 0, "paid": 0}
    steps = reader.ask(f"/api/traffic?period={iso(0)}/{iso(300)}").table("series")
    assert [(row["window_start"], row["people"], row["bots"]) for row in steps] == [
        (at(60 * minute).timestamp(), *{0: (7, 0), 1: (5, 30)}.get(minute, (0, 0))) for minute in range(5)
    ]


def test_a_product_filters_its_two_panels_and_no_other(reader: Reader) -> None:
    assert sums(reader, "funnel", "all", product="p-1") == {"views": 37, "carts": 5, "checkouts": 5, "paid": 3}
    assert sums(reader, "products", "people", product="p-1") == {"views": 7, "carts": 4, "checkouts": 5}
    for panel in sorted({*SUMS} - {"funnel", "products"}):
        assert sums(reader, panel, "all", product="p-1") == sums(reader, panel, "all")


def test_response_times_are_those_of_who_is_shown(reader: Reader) -> None:
    def average(who: str) -> float:
        rows = reader.ask(f"/api/slow?period=all&who={who}").table("actions")
        (row,) = (row for row in rows if row["action"] == "view_product")
        return float(row["avg_response_ms"])

    assert average("people") == 40.0
    assert average("bots") == round((30 * 40 + 2 * 400) / 32, 1)


def test_rejected_records_are_nobodys_and_stay_whoever_is_shown(reader: Reader) -> None:
    for who in ("people", "bots", "all"):
        (row,) = reader.ask(f"/api/rejected?period=all&who={who}").table("reasons")
        assert (row["reason"], row["format"], row["records"]) == ("not_json", "none", 3)


def test_the_state_tells_of_the_counts_where_nobody_has_looked_at_the_stack(reader: Reader) -> None:
    answer = reader.ask("/api/state")
    (counts,) = answer.table("counts")
    assert (counts["version"], counts["records"], counts["rejected"]) == (1, 100, 3)
    assert [answer.table(name) for name in ("state", "verified", "alerts", "restatements")] == [[]] * 4


def test_what_a_client_made_up_is_text_in_json_and_no_formula_in_csv(reader: Reader) -> None:
    products = {row["product_id"] for row in reader.ask("/api/products?period=all").table("products")}
    assert products == {"p-1", ODD_PRODUCT, FORMULA_PRODUCT}
    answer = reader.ask("/api/products.csv?period=all")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert {row["product_id"] for row in rows} == {"p-1", ODD_PRODUCT, f"'{FORMULA_PRODUCT}"}
    assert sum(int(row["views"]) for row in rows) == 44


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_has_its_csv_with_times_of_utc(reader: Reader, panel: str) -> None:
    answer = reader.ask(f"/api/{panel}.csv?period=all")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{panel}.csv"'
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(answer.body.decode())))
    times = {row["window_start"] for row in rows if "window_start" in row}
    assert all(time.endswith("Z") for time in times)


def test_late_lines_of_a_year_ago_are_in_the_next_answer(reader: Reader, shop: Settings, marts: Marts) -> None:
    before = sums(reader, "traffic", "all")
    old = at(-365 * 86_400)
    count(shop, 2, {("all", old, "all", False): {"events": 9}, ("action", old, "other", False): {"events": 9}})
    build(marts, shop)
    answer = reader.ask("/api/traffic?period=all")
    assert answer.json["stand"]["version"] == 2
    assert answer.json["extent"]["first"] == old.timestamp()
    assert sums(reader, "traffic", "all") == {**before, "people": before["people"] + 9}


@pytest.mark.parametrize(
    "query", ["who=nobody", "period=2h", "period=now", "period=2026-01-02/2026-01-01", "product=%00", "period=/"]
)
def test_a_view_that_is_none_is_refused_in_a_sentence(reader: Reader, query: str) -> None:
    answer = reader.ask(f"/api/traffic?{query}")
    assert answer.status == 400
    assert query.partition("=")[0] in answer.json["error"]
