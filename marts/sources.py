"""The marts as sources of somebody else's dbt project: ``weblake sandbox --sources``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from lake.settings import PROJECT

MODELS = PROJECT / "dbt" / "models"
NAME = "weblake"
HEAD = (
    "# Written by `weblake sandbox --sources`: the marts of Weblake. Put it into the folder models/ of your project.\n"
)
DESCRIPTION = "Marts of Weblake, published together. build_info says which version of the ledger they show."
WORDS = re.compile(r"{% docs (?P<name>\w+) %}\n(?P<text>.*?)\n{% enddocs %}", re.DOTALL)
REFERENCE = re.compile(r"""{{ doc\('(\w+)'\) }}""")


def sources_yml() -> str:
    """Return a ``sources.yml`` of dbt that names and describes every mart and column; it needs no server."""
    words = {word["name"]: word["text"] for word in WORDS.finditer((MODELS / "contract.md").read_text())}
    tables = [_table(path, words) for path in sorted((MODELS / "marts").glob("*.yml"))]
    freshness = {"warn_after": {"count": 10, "period": "minute"}, "error_after": {"count": 1, "period": "hour"}}
    source = {
        "name": NAME,
        "schema": "marts",
        "description": DESCRIPTION,
        "config": {"freshness": freshness, "loaded_at_query": "select max(built_at) from marts.build_info"},
        "tables": tables,
    }
    content = {"version": 2, "sources": [source]}
    return HEAD + yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)


def _table(path: Path, words: dict[str, str]) -> dict[str, Any]:
    (model,) = yaml.safe_load(path.read_text())["models"]
    columns = [
        {
            "name": column["name"],
            "description": REFERENCE.sub(lambda word: words[word[1]], column["description"]).strip(),
            "data_type": column["data_type"],
        }
        for column in model["columns"]
    ]
    return {"name": model["name"], "description": _grain(model["description"]), "columns": columns}


def _grain(description: str) -> str:
    """Return what a mart's description says before its example query, as one line."""
    return " ".join(description.partition("```sql")[0].split())
