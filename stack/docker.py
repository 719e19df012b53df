"""``weblake up --stack docker`` and its siblings: the same stack in containers, by ``docker-compose.yml``."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Literal, TypeAlias

from lake.env_file import read_env_file
from lake.errors import ServiceError
from lake.files import write_whole
from lake.password_files import password_name
from lake.settings import PROJECT
from stack.console import say
from stack.servers.stack_env import ROLES

ENV_FILE = PROJECT / ".env"
SECRETS = PROJECT / "secrets"
"""The folder of the passwords, a file each, which compose shows to the containers that need them."""
OPTIONAL = {"alerts": "ALERTS_SECRET", "alerts_to": "ALERTS_TO"}
"""The secrets that are none unless somebody sets them."""
_ROLES = {role: password_name(role) for role in ROLES}
PASSWORDS = {"kafka": "KAFKA_PASSWORD", "page": "PAGE_PASSWORD"} | _ROLES | OPTIONAL
"""The setting that holds each secret: the passwords to Kafka and of the roles of PostgreSQL, and those of page and
alerts."""
Command: TypeAlias = Literal["up", "down", "status", "logs", "clean"]
COMMANDS: dict[Command, list[str]] = {
    "up": ["up", "--build", "--detach", "--wait"],
    "down": ["down"],
    "status": ["ps"],
    "logs": ["logs", "--follow"],
    "clean": ["down", "--volumes"],
}


def compose(command: Command, *arguments: str) -> int:
    """Run docker compose for a command, with more arguments of compose's own; return its exit code.

    Raises:
        ServiceError: there is no docker.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ServiceError("there is no `docker` on the PATH; install Docker, or leave out `--stack docker`")
    if command == "up":
        make_passwords()
    return subprocess.call([docker, "compose", *COMMANDS[command], *arguments], cwd=PROJECT)


def password_file(login: str) -> Path:
    """Return the path of the file that holds the password of a login of :data:`PASSWORDS`."""
    return SECRETS / f"{login}_password"


def written() -> dict[str, str]:
    """Return what is written down of this stack, by the names of settings: ``.env``, and the passwords."""
    files = {name: password_file(login) for login, name in PASSWORDS.items()}
    passwords = {name: file.read_text().strip() for name, file in files.items() if file.exists()}
    return read_env_file(ENV_FILE) | passwords


def make_passwords() -> None:
    """Write the passwords that are missing: new ones, or those that stood in ``.env`` in earlier versions.

    Other users of this machine may not enter the folder. The files themselves are for the containers' users to read.
    They end without a line break: Kafka would take it for a part of the password.
    """
    older = read_env_file(ENV_FILE)
    missing = [login for login in PASSWORDS if not password_file(login).exists()]
    SECRETS.mkdir(mode=0o700, exist_ok=True)
    SECRETS.chmod(0o700)
    for login in missing:
        made = "" if login in OPTIONAL else secrets.token_hex(16)
        write_whole(password_file(login), older.get(PASSWORDS[login]) or made)
        password_file(login).chmod(0o644)
    if missing:
        say(f"wrote the passwords of {', '.join(missing)} into {SECRETS}")
