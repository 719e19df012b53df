"""Bring Superset's own database up to date, and its dashboard to what the files say.

``serve.py`` runs it with the Python of Superset's own environment: ``provision.py ASSETS PLACE``, with the login's
password on standard input. One process does all of it, because each command of Superset's takes seconds to start.
"""

from __future__ import annotations

import sys
from pathlib import Path
from secrets import token_hex
from typing import Any

from flask_migrate import upgrade
from superset.app import create_app

ANALYST = "analyst"
LOADER = "weblake"
"""Owns the dashboard, and logs in nowhere: nobody has its password."""


def provision(assets: Path, place: str, password: str) -> None:
    """Make tables, roles and the login, and import the dashboard over what is there.

    Args:
        assets: the folder of the dashboard, its charts, datasets and database.
        place: host, port and name of the database with the marts: ``127.0.0.1:5432/weblogs``.
        password: of the login for SQL Lab.
    """
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.extensions import appbuilder, db, security_manager
    from superset.models.dashboard import Dashboard
    from superset.utils.core import override_user

    upgrade()
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    for name, roles, secret in ((ANALYST, ("Alpha", "sql_lab"), password), (LOADER, ("Admin",), None)):
        _bring_user(security_manager, name, roles, secret)
    files = {path.relative_to(assets).as_posix(): path.read_text() for path in sorted(assets.rglob("*.yaml"))}
    with override_user(security_manager.find_user(LOADER)):
        ImportAssetsCommand({name: text.replace("{place}", place) for name, text in files.items()}).run()
    for dashboard in db.session.query(Dashboard).all():
        dashboard.roles = [security_manager.find_role("Public")]
    db.session.commit()


def _bring_user(manager: Any, name: str, roles: tuple[str, ...], password: str | None) -> None:
    """Create a user, or give it its password; without one, nobody can log in as it."""
    user = manager.find_user(name)
    if user is None:
        found = [manager.find_role(role) for role in roles]
        manager.add_user(name, name, "Weblake", f"{name}@localhost", found, password or token_hex(32))
    elif password:
        manager.reset_password(user.id, password)


if __name__ == "__main__":
    with create_app().app_context():
        provision(Path(sys.argv[1]), sys.argv[2], sys.stdin.read())
