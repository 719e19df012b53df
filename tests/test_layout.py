"""The house rules of the source tree: who imports whom, who reads the environment, and where settings are listed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from settings_lists import env_example, settings_calls

PROJECT = Path(__file__).resolve().parent.parent
PARTS = ("ingest", "spark", "marts", "viz", "page", "watch", "stack")
OUR_PACKAGES = {"lake", *PARTS, "audit", "bench", "tests", "weblake"}
AUDIT_MAY_USE = {"spark.session", "spark.tables.delta", "spark.tables.storage"}
"""How to open the lake. What is in it, the audit finds out by itself, or it would share the stream's mistakes."""

TABLE_ROW = re.compile(r"^\| `([A-Z][A-Z_]+)` \| (.*?) \| ")


def sources(package: str) -> list[Path]:
    return sorted((PROJECT / package).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imported_packages(path: Path) -> set[str]:
    """Top-level names that the file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the package"
            found.add((node.module or "").split(".")[0])
    return found


def imported_modules(path: Path) -> set[str]:
    """Full names of the modules that the file imports."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def environment_uses(path: Path) -> Iterator[int]:
    """Lines that say ``os.environ``, ``os.getenv`` and the like."""
    words = {"environ", "environb", "getenv", "putenv"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in words:
            if isinstance(node.value, ast.Name) and node.value.id == "os":
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os" and words & {alias.name for alias in node.names}:
            yield node.lineno


def settings_table() -> dict[str, str]:
    lines = (PROJECT / "docs" / "operations.md").read_text().splitlines()
    return {match[1]: match[2].strip("`") for line in lines if (match := TABLE_ROW.match(line))}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_lake_and_no_other_part(part: str) -> None:
    for path in sources(part):
        ours = imported_packages(path) & OUR_PACKAGES
        assert ours <= {"lake", part}, f"{path.relative_to(PROJECT)} imports {sorted(ours - {'lake', part})}"


def test_the_audit_shares_no_code_with_what_it_checks() -> None:
    for path in sources("audit"):
        ours = {name for name in imported_modules(path) if name.split(".")[0] in OUR_PACKAGES - {"lake", "audit"}}
        assert ours <= AUDIT_MAY_USE, f"{path.relative_to(PROJECT)} imports {sorted(ours - AUDIT_MAY_USE)}"


def test_lake_imports_none_of_the_parts() -> None:
    for path in sources("lake"):
        assert imported_packages(path) & OUR_PACKAGES <= {"lake"}, path


def test_dbt_is_no_python_package() -> None:
    assert not sources("dbt"), "Python files in dbt/ shadow the installed dbt"


def test_tests_are_flat_and_no_package_but_for_the_fault_suite() -> None:
    assert {path.parent.relative_to(PROJECT).as_posix() for path in sources("tests")} == {"tests", "tests/faults"}
    assert [path for path in sources("tests") if path.name == "__init__.py"] == []


def test_no_test_module_imports_another() -> None:
    for path in sources("tests"):
        tests = {name for name in imported_modules(path) if name.split(".")[-1].startswith("test_")}
        assert tests == set(), f"{path.relative_to(PROJECT)} imports {sorted(tests)}; move what they share to a helper"


@pytest.mark.parametrize("package", ["lake", *PARTS, "audit", "bench", "weblake"])
def test_only_the_settings_read_the_environment(package: str) -> None:
    for path in sources(package):
        name = path.relative_to(PROJECT).as_posix()
        if name == "lake/settings.py":
            continue
        lines = list(environment_uses(path))
        assert lines == [], f"{name} reads the environment in lines {lines}; take lake.settings.Settings instead"


def test_the_settings_are_found() -> None:
    assert settings_calls()["RATE"] == "50"
    assert "WEBLAKE_DATA" in settings_calls()


def test_env_example_lists_every_setting_and_no_other() -> None:
    assert sorted(env_example()) == sorted(settings_calls())


def test_the_settings_table_lists_every_setting_and_no_other() -> None:
    assert sorted(settings_table()) == sorted(settings_calls())


def test_env_example_and_the_settings_table_state_the_defaults() -> None:
    constants = {name: default for name, default in settings_calls().items() if default is not None}
    assert {name: env_example()[name] for name in constants} == constants
    shown = {name: settings_table()[name].replace(",", "") for name in constants}
    made = {name for name in constants if name.endswith("_PASSWORD")}
    assert shown == {name: default or ("generated" if name in made else "none") for name, default in constants.items()}


def test_env_example_holds_no_password() -> None:
    secrets = ("_PASSWORD", "_SECRET")
    assert [value for name, value in env_example().items() if name.endswith(secrets) and value] == []


def test_the_installed_program_finds_every_room_from_any_folder(tmp_path: Path) -> None:
    rooms = sorted(OUR_PACKAGES - {"tests"})
    look = f"from importlib.util import find_spec; print([name for name in {rooms} if find_spec(name) is None])"
    done = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
