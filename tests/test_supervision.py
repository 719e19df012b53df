"""What supervisor is told."""

from __future__ import annotations

from pathlib import Path

from settings_in import settings_in

from stack import supervision


def test_the_generator_is_supervised_only_when_it_is_on(tmp_path: Path) -> None:
    supervision.write_config(settings_in(tmp_path, GENERATE="0"))
    text = supervision.config_file(settings_in(tmp_path)).read_text()
    assert "[program:stream]" in text
    assert "[program:generator]" not in text
    supervision.write_config(settings_in(tmp_path, GENERATE="1", RATE="77"))
    assert 'RATE="77"' in supervision.config_file(settings_in(tmp_path)).read_text()


def test_a_deep_data_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    supervision.write_config(settings_in(deep))
    (line,) = (
        line for line in supervision.config_file(settings_in(deep)).read_text().splitlines() if "file=/" in line[:6]
    )
    assert len(line.removeprefix("file=")) < 100
