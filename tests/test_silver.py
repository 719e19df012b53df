"""Silver: how far it says that it has come."""

from __future__ import annotations

from pathlib import Path

from frames import at, event, iso
from lakes import append_batch
from pyspark.sql import SparkSession
from settings_in import settings_in

from spark.pipeline import Pipeline


def test_at_its_start_it_is_as_new_as_what_it_has_counted(session: SparkSession, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    append_batch(session, settings, [event(event_id="counted", timestamp=iso(0))], ingested=30)
    Pipeline(session, settings).count()
    append_batch(session, settings, [event(event_id="waiting", timestamp=iso(0))], ingested=90)
    pipeline = Pipeline(session, settings)
    bronze, silver = pipeline.progress.bronze, pipeline.progress.silver
    assert (bronze.rows, bronze.as_of) == (2, at(90).timestamp())
    assert (silver.rows, silver.as_of) == (1, at(30).timestamp())
    pipeline.count()
    assert pipeline.progress.silver.as_of == at(90).timestamp()
