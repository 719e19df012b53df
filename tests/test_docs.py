"""The documentation: its links lead somewhere, its names exist, its queries run, and GitHub can read its files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lake.contracts import REJECT_REASONS
from lake.settings import PROJECT, Settings
from marts.build import Marts, build
from stack.servers import postgres

FRONT = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*(PROJECT / name for name in FRONT), *sorted((PROJECT / "docs").rglob("*.md"))]
DECISIONS = PROJECT / "docs" / "decisions"
HEADINGS = ["The problem", "The decision", "What it gives", "What it costs", "Where it is"]
LONGEST_README = 130

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
MAKE = re.compile(r"(?:^|`|&& )make ([a-z][a-z-]+)", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
ROOMS = (
    *("audit", "bench", "dbt", "docs", "ingest", "lake", "marts", "page", "spark", "stack", "tests", "viz", "weblake"),
)
FILE = re.compile(rf"(?:{'|'.join(ROOMS)})/[\w./-]*\w\.(?:csv|py|sql|yml|md)")
QUERY = re.compile(r'^make sql Q="(.+)"$', re.MULTILINE)
FIRST_CELL = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for _, heading in HEADING.findall(prose(page)))
    return {heading.replace(" ", "-") for heading in plain}


def section(page: Path, heading: str) -> str:
    """Return the text below a heading, up to the next one of its level."""
    _, _, rest = page.read_text().partition(f"## {heading}\n")
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def recipe(heading: str) -> list[str]:
    """Return the files that a recipe of CONTRIBUTING lists."""
    _, _, rest = (PROJECT / "CONTRIBUTING.md").read_text().partition(f"\n### {heading}\n")
    rows = re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    return [file for row in rows if row.startswith("| `") for file in CODE.findall(row.split(" | ")[0])]


def queries() -> list[str]:
    return QUERY.findall((PROJECT / "README.md").read_text())


def test_the_readme_can_be_read_in_one_sitting() -> None:
    assert len((PROJECT / "README.md").read_text().splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)} links to {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(page)} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_command_is_a_target(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(MAKE.findall(page.read_text())) <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = {text for text in CODE.findall(prose(page)) if FILE.fullmatch(text) and "NAME" not in text}
    assert [text for text in sorted(named) if not (PROJECT / text).exists()] == []


@pytest.mark.parametrize(
    ("heading", "files"),
    [("A measure", 10), ("A measure per client", 3), ("A dimension", 8), ("A log format", 5), ("A bot rule", 4)],
)
def test_a_recipe_is_as_short_as_the_layout_promises(heading: str, files: int) -> None:
    assert len(recipe(heading)) == files


def test_the_list_of_marts_is_the_marts() -> None:
    listed = FIRST_CELL.findall(section(PROJECT / "docs" / "architecture.md", "The marts"))
    assert sorted(listed) == sorted(path.stem for path in (PROJECT / "dbt" / "models" / "marts").glob("*.sql"))


def test_the_list_of_reasons_is_the_contracts() -> None:
    listed = FIRST_CELL.findall(section(PROJECT / "docs" / "logs.md", "What is rejected"))
    assert sorted(listed) == sorted(REJECT_REASONS)


def test_the_index_lists_every_decision() -> None:
    listed = LINK.findall((DECISIONS / "README.md").read_text())
    assert sorted(listed) == sorted(path.name for path in DECISIONS.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == DECISIONS and page.name != "README.md"])
def test_a_decision_says_why_and_what_it_costs(page: Path) -> None:
    assert [heading for level, heading in HEADING.findall(page.read_text()) if level == "##"] == HEADINGS


# --- GitHub's own files, by the schemas that check-jsonschema brings


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("github-workflows", "workflows/*.yml"),
        ("github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", "ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_github_can_read_its_files(schema: str, pattern: str) -> None:
    files = [str(path) for path in sorted((PROJECT / ".github").glob(pattern))]
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


# --- On a real PostgreSQL


@pytest.fixture(scope="module")
def empty(shop: Settings, marts: Marts) -> Settings:
    """A shop whose marts are there, and in which nothing has been counted yet."""
    build(marts, shop)
    return shop


def test_the_readme_asks_five_questions() -> None:
    assert len(queries()) == 5


@pytest.mark.stack
@pytest.mark.parametrize("query", queries())
def test_a_query_of_the_readme_runs(query: str, empty: Settings) -> None:
    assert postgres.query(empty, "analyst", query) == []
