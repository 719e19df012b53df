"""The URL rules: what is wrong with a file of them is said, with the rule's number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from lake.errors import RulesError
from lake.settings import load_settings
from lake.url_rules import UrlRules, as_python, load_url_rules


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read .*; restore the file, or correct its path"),
        (b"rules: [", "is not YAML"),
        (b"\xff", "is not UTF-8"),
        (b"- a", "needs a list `rules`"),
        (b"actions: buy\nrules: []", "`actions` in .* is 'buy'"),
        (b"actions: [a]\nrules: [{action: a, pattern: }]", "rule 1 .*: the pattern is None"),
        (
            b"actions: [a]\nrules: [{action: a, pattern: '('}]",
            "rule 1 .*: the pattern '\\(' is not a regular expression",
        ),
        (
            b"actions: [a]\nrules: [{action: a, pattern: a, method: get}]",
            "the method 'get' must be upper-case",
        ),
        (b"actions: [a]\nrules: [{action: a, pattern: a, method: [GET, 7]}]", "rule 1 .*: the method '7' must be"),
        (
            b"actions: [a]\nrules: [{action: a, pattern: a, status: 20x}]",
            "the status '20x' must be a status",
        ),
        (b"actions: [a]\nrules: [{action: a, pattern: a, status: []}]", "rule 1 .*: the status .* must be a status"),
        (b"actions: [a]\nrules: [{action: a, pattern: a, host: '('}]", "rule 1 .*: the pattern '\\(' is not a"),
        (b"actions: [a]\nrules: [{action: a, pattern: a, query: 7}]", "rule 1 .*: the pattern is 7"),
        (b"actions: [a]\nrules: [{action: a, pattern: a, path: b}]", "rule 1 .*; give it .*`status`, `host`, `query`"),
        (b"actions: [a]\nrules:\n- {action: a, pattern: [}", "is not YAML: line 3: "),
        (b"- a\n\xff", "is not UTF-8 in line 2"),
        (b"[" * 100_000, "is not YAML: it is nested too deeply"),
    ],
)
def test_rules_that_cannot_be_used_are_an_error_that_names_them(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "urls.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RulesError, match=message) as error:
        load_url_rules(path)
    assert str(path) in str(error.value)


LONG = b"x" * 1_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"rules: *" + LONG,
        b"rules: []\nactions: " + LONG,
        b"actions: [a]\nrules: [" + LONG + b"]",
        b"actions: [a]\nrules: [{action: a, pattern: [" + b"x, " * 100_000 + b"]}]",
        b"actions: [a]\nrules: [{action: a, pattern: '(?P=" + LONG + b")'}]",
        b"actions: [a]\nrules: [{action: A" + LONG + b", pattern: a}]",
        b"actions: [a]\nrules: [{action: a, pattern: a, method: " + LONG + b"}]",
    ],
)
def test_an_error_is_one_short_line_however_long_the_lines_of_the_file_are(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "urls.yml"
    path.write_bytes(content)
    with pytest.raises(RulesError) as error:
        load_url_rules(path)
    assert len(str(error.value)) < 400 + len(str(path))
    assert "\n" not in str(error.value)


def _rules(folder: Path, *patterns: str) -> Path:
    path = folder / "urls.yml"
    rules = [{"action": "a", "pattern": pattern} for pattern in patterns]
    path.write_text(yaml.safe_dump({"actions": ["a"], "rules": rules}))
    return path


@pytest.mark.parametrize(
    "pattern",
    [
        "/redos/.*a.*a.*b$",  # cubic
        "^(?:[a-z]+)+$",  # exponential
        "^/(?:a|ab|b)*c",  # by its alternatives
        r"/p/(?<product>.+)/.+/.+/z",
        "(?:%20|\\+)*(?:%20|\\+)*(?:%20|\\+)*q",
        "^(?:a?){300}a{300}$",  # by nothing shorter than 600 characters
    ],
)
def test_a_rule_that_one_request_could_keep_busy_is_refused_by_its_number(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"rule 2 in .*can take longer than 1 s.*bound its repetitions") as error:
        load_url_rules(_rules(tmp_path, "^/quick/[^/]+$", pattern, "/also/quick"))
    assert repr(pattern) in str(error.value)


def test_a_slow_pattern_for_the_query_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "urls.yml"
    rules = [{"action": "a", "pattern": "b"}, {"action": "a", "pattern": "b", "query": "^(?:[a-z]+)+$"}]
    path.write_text(yaml.safe_dump({"actions": ["a"], "rules": rules}))
    with pytest.raises(RulesError, match=r"rule 2 in .*can take longer than 1 s"):
        load_url_rules(path)


def test_conditions_are_words_or_lists_of_words(tmp_path: Path) -> None:
    path = tmp_path / "urls.yml"
    rules = [
        {"action": "a", "pattern": "b", "method": "GET", "status": 304},
        {"action": "a", "pattern": "b", "method": ["GET", "M-SEARCH"], "status": ["2xx", 404]},
        {"action": "a", "pattern": "b", "host": "h", "query": "q"},
    ]
    path.write_text(yaml.safe_dump({"actions": ["a"], "rules": rules}))
    first, second, third = load_url_rules(path).rules
    assert (first.methods, first.statuses, first.host, first.query) == (("GET",), ("304",), None, None)
    assert (second.methods, second.statuses) == (("GET", "M-SEARCH"), ("2xx", "404"))
    assert third.patterns == ("b", "h", "q")


def test_rules_that_repeat_much_but_share_nothing_are_taken(tmp_path: Path) -> None:
    patterns = ["^/shop/.*/item/.*id=", "^(?:/[^/?]+){2,99}/x$", "(?:a|b)*c", "^[^?]*/checkout", "a{1,5000}b", ".*"]
    assert [rule.pattern for rule in load_url_rules(_rules(tmp_path, *patterns)).rules] == patterns


def action_of(rules: UrlRules, method: str, target: str, status: int = 200) -> tuple[str, str | None]:
    """What the first rule that fits a request says, and the product that it names."""
    family = f"{status // 100}xx"
    for rule in rules.rules:
        is_for = method in (rule.methods or (method,)) and family in (rule.statuses or (family,))
        found = re.search(as_python(rule.pattern), target, re.ASCII) if is_for else None
        if found:
            return rule.action, found.group(rule.product_group) if rule.product_group else None
    return "other", None


@pytest.mark.parametrize(
    ("request_line", "action"),
    [
        ("POST /wp-admin/admin-ajax.php", "asset"),
        ("GET /blog/wp-admin/admin-ajax.php?action=heartbeat", "asset"),
        ("POST /?wc-ajax=get_refreshed_fragments", "asset"),
        ("POST /wp-json/wp/v2/posts/7/autosaves", "asset"),
        ("POST /graphql", "asset"),
        ("GET /wp-admin/load-styles.php?c=1", "asset"),
        ("GET /wp-admin/js/common.min.js?ver=6.4", "asset"),
        ("GET /wp-admin/edit.php?post_type=product", "other"),
        ("POST /wp-admin/post.php", "other"),
        ("POST /wp-admin/options-general.php", "other"),
        ("GET /wp-login.php", "probe"),
        ("GET /wp-admin/setup-config.php", "probe"),
        ("GET /wp-admin/css/colors/shell.php", "probe"),
        ("GET /wp-admin/admin-ajax.php?action=show&img=../wp-config.php", "probe"),
        ("GET /wp-admin/edit.php/.env", "probe"),
        ("POST /xmlrpc.php", "probe"),
        ("POST /?wc-ajax=add_to_cart", "add_to_cart"),
        ("POST /?wc-ajax=checkout", "checkout"),
        ("POST /wp-json/wc/store/v1/cart/add-item", "add_to_cart"),
        ("POST /my-account/", "post"),
    ],
)
def test_what_wordpress_asks_for_by_itself_is_no_attack_and_no_form(request_line: str, action: str) -> None:
    method, target = request_line.split(" ")
    assert action_of(load_url_rules(load_settings().rules_file), method, target) == (action, None)


@pytest.mark.parametrize("target", ["/wp-json/jwt-auth/v1/token", "/graphql", "/?wc-ajax=login"])
def test_what_is_refused_is_a_form(target: str) -> None:
    assert action_of(load_url_rules(load_settings().rules_file), "POST", target, 401) == ("post", None)


def test_a_product_of_woocommerce_s_cart_has_its_number() -> None:
    shipped = load_url_rules(load_settings().rules_file)
    assert action_of(shipped, "GET", "/product/kettle/?add-to-cart=5544&quantity=2") == ("add_to_cart", "5544")
