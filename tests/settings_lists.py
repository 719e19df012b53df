"""The settings as the code reads them, and as ``.env.example`` lists them."""

from __future__ import annotations

import ast
import re

from lake.settings import PROJECT

SETTING = re.compile(r"^#? ?([A-Z][A-Z_]+)=(.*)$")


def settings_calls() -> dict[str, str | None]:
    """Name of each setting that lake/settings.py reads -> its default, where that is a constant."""
    (function,) = (
        node
        for node in ast.parse((PROJECT / "lake" / "settings.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "load_settings"
    )
    defaults: dict[str, str | None] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called not in {"text", "whole", "get"}:
            continue
        default = node.args[1] if len(node.args) > 1 else None
        defaults[str(node.args[0].value)] = str(default.value) if isinstance(default, ast.Constant) else None
    return defaults


def env_example() -> dict[str, str]:
    lines = (PROJECT / ".env.example").read_text().splitlines()
    return {match[1]: match[2] for line in lines if (match := SETTING.match(line))}
