"""What dbt takes over from the contract, as the files of dbt's project: written, not retyped.

Some files are written whole and say so in their first line. In others, a list of columns between two comments is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from lake.contracts.charts import CHARTS
from lake.contracts.columns import Column, names, postgres_type
from lake.contracts.ledger import LEDGER_DIMENSIONS, MEASURES, SUMMARY
from lake.contracts.marts import ALIAS_WORDS, SHARED_COLUMNS
from lake.contracts.mirror import BOOKMARK_TABLE, CLIENT_DAY, MIRROR_SCHEMA, MIRROR_TABLES, OF_SETTLED, MirrorTable

FIRST_LINE = "Written by `weblake contracts` from lake/contracts; edit it there."
BLOCK = re.compile(
    r"(?P<begin>^ *# Written [^\n]*: (?P<name>\w+)\.$\n)(?P<body>.*?)(?P<end>^ *# End of \w+\.$)", re.M | re.S
)
"""A list of columns in a file that is otherwise written by hand."""

LOADED_AT = "loaded_at_query: select max(moved_at) from silver.bookmark"
"""Counts, verdicts and records change in the transaction that moves the bookmark."""

CLIENT_MEASURES = tuple(measure for measure in MEASURES if measure.per_client)
LISTS: dict[str, tuple[str, Iterable[str]]] = {
    "dimensions": ("The dimensions of the ledger.", LEDGER_DIMENSIONS),
    "measures": ("The measures of the ledger.", names(MEASURES)),
    "columns_of_settled": ("What a settled row says besides its sums.", names(OF_SETTLED)),
    "client_measures": ("The measures that are kept for each client.", names(CLIENT_MEASURES)),
    "summary_measures": ("The measures by which people judge what a verdict or a replay moved.", SUMMARY),
}
"""Macro -> what it lists, and the list."""

LAST_MART = "build_info"
"""The mart that publishes all others."""

READERS_OF_ALL_MARTS = (
    ("sql_prompt", "Questions of analysts", "analysis", "`make sql` is psql for the role analyst, which only reads."),
    (
        "verification",
        "Each stage held against the one before it",
        "application",
        "`make verify` works all marts out again.",
    ),
)
"""Name, label, kind and description of the exposures, charts aside, that read every mart."""


def write(project: Path) -> list[Path]:
    """Write what comes from the contract into dbt's project; return the files that changed."""
    changes = stale(project)
    for path, text in changes.items():
        path.write_text(text)
    return list(changes)


def stale(project: Path) -> dict[Path, str]:
    """Return the files of dbt's project that are missing or not as the contract says, with the text they should have.

    The order is that of :func:`texts`.
    """
    return {path: text for path, text in texts(project).items() if not path.exists() or path.read_text() != text}


def texts(project: Path) -> dict[Path, str]:
    """Return each file that comes from the contract, in whole or in part, with the text that it is to have."""
    marts = sorted(path.stem for path in (project / "models" / "marts").glob("*.sql"))
    whole = {
        project / "macros" / "contract.sql": _macros(marts),
        project / "macros" / "contract.yml": _macro_words(),
        project / "models" / "contract.md": _words(),
        project / "models" / "exposures.yml": _exposures(marts),
        project / "models" / "staging" / "sources.yml": _sources(),
    }
    lists = {path: BLOCK.sub(_fill, path.read_text()) for path in sorted((project / "models").glob("*/*.yml"))}
    return whole | {path: text for path, text in lists.items() if path not in whole and BLOCK.search(text)}


def _fill(block: re.Match[str]) -> str:
    return block["begin"] + BLOCKS[block["name"]]() + block["end"]


def _macros(marts: list[str]) -> str:
    lists = (
        f"\n{{% macro {name}() -%}}\n    {{{{ return([\n"
        + "".join(f"        '{value}',\n" for value in values)
        + "    ]) }}\n{%- endmacro %}\n"
        for name, (_, values) in LISTS.items()
    )
    reads = "".join(f"    {{%- do ref('{mart}') -%}}\n" for mart in marts if mart != LAST_MART)
    return f"{{# {FIRST_LINE} #}}\n{''.join(lists)}\n{{% macro after_all_marts() -%}}\n{reads}{{%- endmacro %}}\n"


def _macro_words() -> str:
    words = {name: comment for name, (comment, _) in LISTS.items()}
    words["after_all_marts"] = "Has the model that calls it wait for all marts, whose names come from the folder."
    entries = "".join(f"  - {{ name: {name}, description: {comment} }}\n" for name, comment in words.items())
    return f"# {FIRST_LINE}\nversion: 2\n\nmacros:\n{entries}"


def _words() -> str:
    of_mirror = ((table.word(column.name), column.comment) for table in MIRROR_TABLES for column in table.columns)
    shared = ((column.name, column.comment) for column in SHARED_COLUMNS)
    words = dict.fromkeys((*of_mirror, *shared, *ALIAS_WORDS.items()))  # two tables may share a word, with its meaning
    blocks = (f"\n{{% docs {word} %}}\n{comment}\n{{% enddocs %}}\n" for word, comment in words)
    return f"{FIRST_LINE}\n{''.join(blocks)}"


def _exposures(marts: list[str]) -> str:
    charts = (
        _exposure(
            chart.name, chart.title, "dashboard", f"{chart.description} See charts/{chart.file_name}.", chart.marts
        )
        for chart in CHARTS
    )
    readers = (_exposure(*reader, marts) for reader in READERS_OF_ALL_MARTS)
    return f"# {FIRST_LINE}\nversion: 2\n\nexposures:\n" + "\n".join((*charts, *readers))


def _exposure(name: str, label: str, kind: str, description: str, marts: Iterable[str]) -> str:
    reads = "".join(f"      - ref('{mart}')\n" for mart in marts)
    return f"""\
  - name: {name}
    label: {label}
    type: {kind}
    description: "{description}"
    owner: {{ name: Weblake }}
    depends_on:
{reads}"""


def _sources() -> str:
    return f"""\
# {FIRST_LINE}
version: 2

sources:
  - name: {MIRROR_SCHEMA}
    description: >
      The sums of the ledger, kept by the mirror (spark/mirror.py). `dbt source freshness` asks when the bookmark last
      moved. It moves with every batch that changes a count, so it stands still when the mirror is down and also when no
      logs come in; `make status` tells these two apart. A shop with quiet hours needs longer limits.
    config:
      freshness:
        warn_after: {{ count: 10, period: minute }}
        error_after: {{ count: 1, period: hour }}
    tables:
{"".join(map(_source, MIRROR_TABLES))}"""


def _source(table: MirrorTable) -> str:
    loaded_at = "loaded_at_field: moved_at" if table == BOOKMARK_TABLE else LOADED_AT
    columns = "".join(
        f"          - {_described(column.name, table.word(column.name), postgres_type(column))}\n"
        for column in table.columns
    )
    return f"""\
      - name: {table.name}
        description: {table.comment}
        config:
          {loaded_at}
        columns:
{columns}"""


def _described(name: str, word: str, data_type: str | None = None) -> str:
    """Return the entry of a column in a yml file, which refers to the word instead of retyping it."""
    quoted = f'"{data_type}"' if data_type and "[" in data_type else data_type
    typed = f", data_type: {quoted}" if quoted else ""
    return f"{{ name: {name}, description: \"{{{{ doc('{word}') }}}}\"{typed} }}"


def _column_list(columns: Iterable[Column]) -> str:
    return "".join(f"      - {_described(column.name, column.name)}\n" for column in columns)


def _dimension_column() -> str:
    return f"""\
      - name: dimension
        description: "{{{{ doc('dimension') }}}}"
        data_tests:
          - accepted_values:
              arguments: {{ values: [{", ".join((*LEDGER_DIMENSIONS, CLIENT_DAY))}] }}
"""


BLOCKS: dict[str, Callable[[], str]] = {
    "dimension": _dimension_column,
    "measures": lambda: _column_list(MEASURES),
    "client_measures": lambda: _column_list(CLIENT_MEASURES),
}
"""What is written between the comments of a block of that name."""
