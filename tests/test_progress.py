"""What the stream says of itself while it is at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.contracts.reports import StreamReport, read_stream_report
from spark.progress import Progress


def test_a_report_says_since_when_a_stage_is_at_its_batch(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    progress = Progress(path)

    def report() -> StreamReport:
        progress.touch()
        written = read_stream_report(path)
        assert written is not None
        return written

    assert report().batch_since == {}
    with pytest.raises(ValueError, match="broken"), progress.at_batch("silver"):
        with progress.at_batch("bronze"):
            during = report()
            assert set(during.batch_since) == {"bronze", "silver"}
            assert all(since <= during.updated_at for since in during.batch_since.values())
        assert set(report().batch_since) == {"silver"}
        raise ValueError("broken")
    assert report().batch_since == {}
