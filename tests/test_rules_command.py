"""`weblake rules`: which URL rules catch how much of a log; and the shop that an import names because its rules fit."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from frames import event, line
from shop_requests import REQUESTS, Request

from audit.rule_hits import RuleTrial, commonest, shape_of
from audit.shop_fit import better_shop
from ingest.files.content import first_lines
from ingest.import_logs import Outcome
from ingest.shop.traffic import LOG, records
from lake.shops import SHIPPED, SHOPS
from lake.url_rules import UrlRules
from weblake.main import run

pytestmark = pytest.mark.usefixtures("log_as_it_was")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SHOP", raising=False)


def log_of(requests: Iterable[Request]) -> list[bytes]:
    return [line(**{"GET / ": f"{one.method} {one.target} ", " 200 ": f" {one.status} "}) for one in requests]


def plain(lines: Iterable[bytes]) -> list[tuple[bytes, str | None]]:
    """Lines that no string came with."""
    return [(one, None) for one in lines]


def written(path: Path, lines: list[bytes]) -> str:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


def test_lines_are_counted_by_the_rule_that_catches_them(rules: UrlRules) -> None:
    trial = RuleTrial(rules)
    lines = [
        line("/product/7"),
        line("/product/8"),
        line("/a/b/c?x=1"),
        line("/a/b/d"),
        line("/a"),
        event(),
        b"garbage",
    ]
    lines += [line(**{"GET / HTTP/1.1": "-"}), line(**{"GET / HTTP/1.1": r"\x16\x03"})]
    for one in lines:
        trial.read(one)
    hits = trial.hits
    assert (hits.lines, hits.requests, hits.events, hits.rejected, hits.unreadable) == (9, 5, 1, 1, 2)
    ((number, caught),) = hits.by_rule.items()
    assert (rules.rules[number].action, caught.lines, caught.example) == ("view_product", 2, "GET /product/7 200")
    assert hits.other == 3
    assert [(name, one.lines) for name, one in commonest(hits.by_shape, 9)] == [("/a/b/…", 2), ("/a", 1)]
    assert hits.actions == {"view_product": 2, "other": 3}


def test_paths_of_one_shape_are_one(monkeypatch: pytest.MonkeyPatch, rules: UrlRules) -> None:
    assert {shape_of(path) for path in ("/12-kettle", "/7-kettle?a=/b")} == {"/#-kettle"}
    assert shape_of("/de/artikel/kettle/7") == "/de/artikel/…"
    monkeypatch.setattr("audit.rule_hits.MOST_SHAPES", 5)
    trial = RuleTrial(rules)
    for path in ["/common"] * 3 + [f"/{chr(97 + number)}" for number in range(20)]:
        trial.read(line(path))
    assert len(trial.hits.by_shape) <= 10
    assert trial.hits.by_shape["/common"].lines == 3
    assert trial.hits.other == 23


def test_the_command_shows_rules_and_what_none_caught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [*log_of(REQUESTS["magento"]), b"garbage"]
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    assert run(["rules", str(path), "--limit", "1"]) == 0
    output = capsys.readouterr()
    assert f"{len(lines)} lines by the URL rules of {SHIPPED}: {len(lines) - 1} requests, 1 rejected" in output.out
    assert "urls.yml 9" in output.out
    assert "caught by no rule" in output.out
    assert "these look like Magento's URLs" in output.err
    assert run(["rules", str(path), "--shop", "magento", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["lines"], told["rejected"], told["better_shop"]) == (len(lines), 1, None)
    assert told["actions"]["add_to_cart"] == sum(one.action == "add_to_cart" for one in REQUESTS["magento"])
    caught = sum(rule["lines"] for rule in told["rules"])
    assert caught + told["other"]["lines"] == told["requests"]
    assert {Path(rule["file"]).name for rule in told["rules"]} == {"urls.yml", "magento.yml"}


def test_the_command_reads_lines_by_a_string_and_says_what_to_do_where_it_can_read_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "a.log", [b"2026-03-01T12:00:00Z|203.0.113.7|GET|/product/7|200"] * 3)
    assert run(["rules", path]) == 1
    assert "3 of 3 lines cannot be read; `make formats FILE=` shows why" in capsys.readouterr().err
    pasted = "$time_iso8601|$remote_addr|$request_method|$request_uri|$status"
    assert run(["rules", path, "--log-format", pasted, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["actions"]["view_product"] == 3


def test_the_command_names_a_shop_and_a_file_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "a.log", [line()])
    assert run(["rules", path, "--shop", "oscommerce"]) == 2
    assert "SHOP='oscommerce' is unknown" in capsys.readouterr().err
    assert run(["rules", str(tmp_path / "gone.log")]) == 1
    assert "gone.log does not exist" in capsys.readouterr().err
    binary = tmp_path / "a.png"
    binary.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert run(["rules", str(binary)]) == 0
    output = capsys.readouterr()
    assert "a.png was left out: it is" in output.err
    assert "0 lines" in output.out


@pytest.mark.parametrize("shop", [name for name in SHOPS if name != "shopify"])
def test_the_shop_whose_urls_these_are_is_found(shop: str) -> None:
    lines = plain(log_of(REQUESTS[shop]))
    fit = better_shop(lines, SHIPPED)
    assert fit is not None
    assert (fit.shop.name, fit.lines) == (shop, len(lines))
    assert fit.deeds == sum(one.action in ("view_product", "add_to_cart") for one in REQUESTS[shop]) > fit.now
    assert better_shop(lines, SHOPS[shop]) is None
    other = next(name for name in SHOPS if name != shop)
    assert better_shop(lines, SHOPS[other]) is not None


def test_no_shop_is_named_for_the_generator_s_lines_or_shopify_s_which_the_common_rules_know() -> None:
    made_up = [record.value for record in records(120, 7, 50, 0.2, LOG, 1_768_460_400.0)]
    assert better_shop(plain(made_up), SHIPPED) is None
    of_shopify = [one for one in log_of(REQUESTS["shopify"]) if b"/collections/" not in one]
    assert better_shop(plain(of_shopify), SHIPPED) is None


def test_no_shop_is_named_where_nothing_would_change(tmp_path: Path) -> None:
    assert better_shop([], SHIPPED) is None
    assert better_shop(plain([line("/product/7")] * 100), SHIPPED) is None
    assert better_shop(plain([line("/about.html")] * 100), SHIPPED) is None, "it has no sign of Magento"
    assert better_shop(plain(log_of(REQUESTS["magento"])), tmp_path / "own.yml") is None, "who has rules knows the shop"
    named_in_the_referrer = line("/about.html", **{'"-"': '"https://x.example/checkout/cart/add/"'})
    assert better_shop(plain([named_in_the_referrer] * 100), SHIPPED) is None


def test_an_import_names_the_shop_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ingest.import_logs.import_files", lambda *_: Outcome("2 lines read", [], False))
    path = written(tmp_path / "a.log", log_of(REQUESTS["shopware"]))
    assert run(["import", path]) == 0
    assert "these look like Shopware's URLs" in capsys.readouterr().err
    monkeypatch.setenv("SHOP", "shopware")
    assert run(["import", path]) == 0
    assert "look like" not in capsys.readouterr().err


def test_the_first_lines_are_of_all_files_and_of_none_that_cannot_be_read(tmp_path: Path) -> None:
    names = [written(tmp_path / name, [line(f"/{name}/{number}") for number in range(9)]) for name in ("a", "b")]
    lines = first_lines([*names, "-", str(tmp_path / "gone")], 6)
    assert [one.value for one in lines] == [line(f"/{name}/{number}") for name in ("a", "b") for number in range(3)]
