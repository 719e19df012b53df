"""``weblake up --stack docker`` and its siblings: the same stack in containers, by ``docker-compose.yml``."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from typing import Literal, TypeAlias

from lake.errors import ServiceError
from lake.files import write_whole
from lake.settings import PROJECT
from stack.console import say
from stack.servers.stack_env import ROLES

ENV_FILE = PROJECT / ".env"
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
    if command == "up" and not ENV_FILE.exists():
        make_env_file()
    return subprocess.call([docker, "compose", *COMMANDS[command], *arguments], cwd=PROJECT)


def make_env_file() -> None:
    """Write ``.env`` with new passwords, readable by its owner alone."""
    passwords = "".join(f"POSTGRES_{role.upper()}_PASSWORD={secrets.token_hex(16)}\n" for role in ROLES)
    head = "# Written by `make up STACK=docker`; .env.example lists what else may stand here.\n"
    write_whole(ENV_FILE, head + passwords, mode=0o600)
    say(f"wrote new passwords into {ENV_FILE}")
