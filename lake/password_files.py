"""Passwords by their settings' names, also in files that the environment names instead: the secrets of containers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lake.errors import SettingsError

ENDING = "_FILE"
OUTLOOK = "PAGE_PASSWORD|ALERTS_TO|ALERTS_SECRET"
"""The secrets of the page and of the alerts."""
NAME = re.compile(f"((KAFKA|POSTGRES)_([A-Z]+_)?PASSWORD|(SPARK_AUTH|MASK)_SECRET|{OUTLOOK}){ENDING}")
PASSWORD = re.compile(f"((KAFKA|POSTGRES)_([A-Z]+_)?PASSWORD|MASK_SECRET|{OUTLOOK})({ENDING})?")


def password_name(role: str) -> str:
    """Return the name of the setting that holds the PostgreSQL password of a role."""
    return f"POSTGRES_{role.upper()}_PASSWORD"


def is_password(name: str) -> bool:
    """Say whether an environment variable is a password or another of our secrets, or names a file with one."""
    return PASSWORD.fullmatch(name) is not None


def passwords_in_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the passwords by their settings' names: ``POSTGRES_DBT_PASSWORD`` from ``POSTGRES_DBT_PASSWORD_FILE``.

    Raises:
        SettingsError: a file cannot be read.
    """
    passwords = {}
    for name, file in environment.items():
        if file and NAME.fullmatch(name):
            try:
                passwords[name.removesuffix(ENDING)] = Path(file).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(
                    f"{name}={file!r} cannot be read ({error}); correct the path or the file"
                ) from error
    return passwords
