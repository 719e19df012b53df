"""The sources.yml for dbt projects of others: every mart and column, each with its description."""

from __future__ import annotations

import pytest
import yaml

from lake.settings import PROJECT
from weblake.main import run

MARTS = PROJECT / "dbt" / "models" / "marts"


def test_each_mart_and_column_is_named_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "--sources"]) == 0
    text = capsys.readouterr().out
    assert "{{" not in text
    (source,) = yaml.safe_load(text)["sources"]
    assert (source["name"], source["schema"]) == ("weblake", "marts")
    columns = {
        table["name"]: [(column["name"], column["data_type"]) for column in table["columns"]]
        for table in source["tables"]
    }
    models = {path.stem: yaml.safe_load(path.read_text())["models"][0] for path in MARTS.glob("*.yml")}
    assert columns == {
        name: [(column["name"], column["data_type"]) for column in model["columns"]] for name, model in models.items()
    }
    for table in source["tables"]:
        assert table["description"].startswith("One row")
        assert all(column["description"] for column in table["columns"])
