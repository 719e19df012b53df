"""What the signals to stop do to the stream, whenever they come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from settings_in import settings_in

from spark.commands import stream


class Signals:
    """Calls what the signals to stop are to call."""

    def __init__(self) -> None:
        self.end: Callable[[], object] = lambda: pytest.fail("nothing was to be called yet")

    def on_stop(self, end: Callable[[], object]) -> None:
        self.end = end


@pytest.mark.parametrize(
    ("comes_in", "calls"),
    [("its start", ["opened"]), ("its work", ["opened", "run", "stop"]), ("neither", ["opened", "run"])],
)
def test_a_signal_ends_the_stream_well_in_its_start_as_in_its_work(
    comes_in: str, calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals, called = Signals(), []

    class Pipeline:
        def __init__(self, *_: object) -> None:
            called.append("opened")
            if comes_in == "its start":
                signals.end()

        def run(self) -> None:
            called.append("run")
            if comes_in == "its work":
                signals.end()

        def stop(self) -> None:
            called.append("stop")

        drain = rebuild = run

    monkeypatch.setattr(stream, "writer", lambda *_: nullcontext())
    monkeypatch.setattr(stream, "Pipeline", Pipeline)
    stream.run_stream(settings_in(tmp_path), "run", signals.on_stop)
    assert called == calls
