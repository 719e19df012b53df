"""``weblake up --stack docker`` and its siblings: the same stack in containers, by ``docker-compose.yml``."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Literal, TypeAlias

from lake.errors import ServiceError
from lake.files import write_whole
from lake.settings import PROJECT, password_name, read_env_file
from stack.console import say
from stack.servers.stack_env import ROLES

ENV_FILE = PROJECT / ".env"
SECRETS = PROJECT / "secrets"
"""The folder of the passwords, a file each, which compose shows to the containers that need them."""
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


def password_file(role: str) -> Path:
    """Return the path of the file that holds a role's password."""
    return SECRETS / f"{role}_password"


def written() -> dict[str, str]:
    """Return what is written down of this stack, by the names of settings: ``.env``, and the passwords."""
    files = {role: password_file(role) for role in ROLES}
    passwords = {password_name(role): file.read_text().strip() for role, file in files.items() if file.exists()}
    return read_env_file(ENV_FILE) | passwords


def make_passwords() -> None:
    """Write the passwords that are missing: new ones, or those that stood in ``.env`` in earlier versions.

    Other users of this machine may not enter the folder. The files themselves are for the containers' users to read.
    """
    older = read_env_file(ENV_FILE)
    missing = [role for role in ROLES if not password_file(role).exists()]
    SECRETS.mkdir(mode=0o700, exist_ok=True)
    SECRETS.chmod(0o700)
    for role in missing:
        password = older.get(password_name(role)) or secrets.token_hex(16)
        write_whole(password_file(role), f"{password}\n")
        password_file(role).chmod(0o644)
    if missing:
        say(f"wrote the passwords of {', '.join(missing)} into {SECRETS}")
