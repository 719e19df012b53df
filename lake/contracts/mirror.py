"""PostgreSQL's schema ``silver``: the sums of the ledger, the bookmark and the verdicts."""

from __future__ import annotations

from lake.contracts.columns import Column, names, postgres_type
from lake.contracts.ledger import LEDGER_KEY, MEASURES

MIRROR_SCHEMA = "silver"
MIRROR = (*LEDGER_KEY, *MEASURES, Column("version", "BIGINT", "bookmark at which the row last changed"))
BOOKMARK = (
    Column("version", "BIGINT", "ledger version that window_counts stands at; -1 before the first"),
    Column("ledger_id", "STRING", "id of the ledger's Delta table"),
    Column("moved_at", "TIMESTAMP", "when the bookmark last moved"),
    Column("filled_at", "TIMESTAMP", "when window_counts was last filled anew; rows may have gone then"),
)
VERDICTS = (
    Column("ip_address", "STRING", "the client"),
    Column("verdict", "STRING", "convicted, pardoned, or released to what its agent says"),
    Column("decided_by", "STRING", "marts or hand"),
    Column("reason", "STRING", "why"),
    Column("decided_at", "TIMESTAMP", "when"),
    Column("number", "BIGINT", "number of the last verdict on any client that is in the counts"),
)
"""The last word on each client on which there is one; written with the counts that obey it."""


def mirror_ddl() -> str:
    """Return the SQL that creates schema ``silver``, its tables and their index. It may be run again."""
    counts = ",\n    ".join(f"{column.name} {postgres_type(column)} not null" for column in MIRROR)
    bookmark = ",\n    ".join(f"{column.name} {postgres_type(column)} not null" for column in BOOKMARK)
    verdicts = ", ".join(f"{column.name} {postgres_type(column)} not null" for column in VERDICTS)
    key = ", ".join(names(LEDGER_KEY))
    new = ", ".join(f"add column if not exists {measure.name} bigint not null default 0" for measure in MEASURES)
    return f"""
create schema if not exists {MIRROR_SCHEMA};
create table if not exists {MIRROR_SCHEMA}.window_counts (
    {counts},
    primary key ({key})
);
alter table {MIRROR_SCHEMA}.window_counts {new};
create index if not exists window_counts_version on {MIRROR_SCHEMA}.window_counts (version);
create table if not exists {MIRROR_SCHEMA}.bookmark (
    {bookmark},
    is_only boolean primary key default true check (is_only)
);
create table if not exists {MIRROR_SCHEMA}.verdicts ({verdicts}, primary key (ip_address));
alter table {MIRROR_SCHEMA}.bookmark add column if not exists filled_at timestamptz not null default now();
"""
