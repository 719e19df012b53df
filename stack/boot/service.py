"""``weblake service``: write the units of the stack, take them away again, and say how to go on."""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lake.errors import ServiceError, SettingsError
from lake.files import write_whole
from lake.settings import STACK_FILE, Settings
from stack import supervision
from stack.boot import plan
from stack.boot.recipients import recipients
from stack.boot.units import HEAD, Boot, head, units

SYSTEM_FOLDER = Path("/etc/systemd/system")
NAME = re.compile(r"[a-z][a-z0-9-]*")


def unit_folder(is_system: bool, output: Path | None) -> Path:
    """Return the folder that units go to: ``output``, or systemd's own for the machine or for this user."""
    return (output or (SYSTEM_FOLDER if is_system else Path.home() / ".config/systemd/user")).absolute()


def plan_boot(
    settings: Settings,
    name: str,
    is_system: bool,
    webhook: str | None = None,
    mail: str | None = None,
    follow: Sequence[str] = (),
) -> Boot:
    """Return what the units are for; ``webhook`` and ``mail`` are as :func:`recipients` takes them.

    ``follow`` are words for ``weblake import --follow``; without any, there is no unit that follows logs.

    Raises:
        SettingsError: the name or a path cannot stand in a unit, or an address cannot be used.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(f"--name {name!r} is no name for units; use small letters, digits and -")
    plan.require_one_line("WEBLAKE_DATA", str(settings.data))
    user = _owner(settings.data) if is_system else None
    notifies = bool(str(recipients(settings, webhook, mail)))
    for word in follow:
        plan.require_one_line("--follow", word)
    return Boot(name, settings.data, plan.environment(settings), user, notifies, tuple(follow))


def require_stack(settings: Settings) -> None:
    """Raise ServiceError where the stack was never started: what its first start needs is for somebody to see."""
    if not (settings.data / STACK_FILE).exists():
        raise ServiceError(f"there is no stack in {settings.data} yet; run `make up` once, and then this again")


def write_units(boot: Boot, folder: Path) -> list[Path]:
    """Write the units, replacing those of this stack; remove what it no longer needs. Return the files.

    Raises:
        ServiceError: a file there is not this stack's, or the folder cannot be written.
    """
    texts = units(boot)
    for path in (folder / name for name in texts):
        _require_ours(path, boot)
    try:
        for path in written(boot, folder):
            if path.name not in texts:
                path.unlink()
        for name, text in texts.items():
            write_whole(folder / name, text, mode=0o644)
    except OSError as error:
        raise ServiceError(
            f"{folder} cannot be written ({error.strerror}); be root, or give --output FOLDER"
        ) from error
    return [folder / name for name in texts]


def remove(boot: Boot, folder: Path) -> list[Path]:
    """Remove this stack's units, and the links that enabled them; return what was removed."""
    files = written(boot, folder)
    names = {path.name for path in files}
    links = [link for link in folder.glob("*.wants/*") if link.is_symlink() and link.name in names]
    for path in (*links, *files):
        path.unlink()
    for parent in {link.parent for link in links}:
        with suppress(OSError):  # it has links to other units
            parent.rmdir()
    return [*files, *links]


def written(boot: Boot, folder: Path) -> list[Path]:
    """Return the files in a folder that are units of this stack."""
    files = [*folder.glob(f"{boot.name}.service"), *folder.glob(f"{boot.name}-*.*")]
    return sorted(path for path in files if path.is_file() and _first_line(path) == head(boot.data))


def how_to_end(boot: Boot, gone: list[Path]) -> list[str]:
    """Return what to do after the units were removed, line by line."""
    control = _control(boot)
    names = dict.fromkeys(path.stem for path in gone)
    # Systemctl fails at a name that is not loaded, and not at a pattern. None fits a stack whose name begins alike.
    patterns = " ".join(f"'{name}*'" if name.endswith("@") else f"'{name}.*'" for name in names)
    return [
        "To stop what runs, and have systemd forget it, and that it ever failed:",
        f"  {control} stop {patterns}",
        f"  {control} daemon-reload",
        f"  {control} reset-failed {patterns}",
    ]


def how_to_go_on(settings: Settings, boot: Boot) -> list[str]:
    """Return what to do now, line by line."""
    control = _control(boot)
    unit = f"{boot.name}.service"
    names = (boot.name, *(f"{boot.name}-{job.command}" for job in plan.JOBS), f"'{boot.name}-notify@*'")
    logs = " ".join(["journalctl", *([] if boot.user else ["--user"]), *(f"-u {name}" for name in names)])
    lines = [
        "To start the stack now and at every boot:",
        f"  {control} daemon-reload",
        f"  {control} enable --now {unit}",
    ]
    if not boot.user:
        lines.append(
            f"  loginctl enable-linger {_owner(settings.data)}   # or it starts when you log in, and not at boot"
        )
    if supervision.is_running(settings):
        lines += [
            "The stack is up. If you started it, systemd stops it first and starts it again, within about a minute.",
            f"If systemd started it, `{control} restart {unit}` has it follow settings that are new in the units.",
        ]
    lines += [
        f"Then `{control} stop {unit}` stops it and its timers. After `make down` they go on, and say that it is down.",
        f"`{logs}` shows what happened.",
    ]
    if boot.follow:
        owner = boot.user or "you"
        lines.append(f"{boot.name}-follow.service follows logs as {owner}, who must be able to read them.")
    told = str(recipients(settings))
    if told:
        lines.append(f"Failures are told to {told}, those that last every hour.")
    else:
        lines.append("Nobody is told of failures; give WEBHOOK=https://… or MAIL=address to change that.")
    if shutil.which("systemctl") is None:
        lines.append(
            "This machine has no systemctl, so it may have no systemd: `make service CRON=1` prints lines for cron."
        )
    return lines


def _control(boot: Boot) -> str:
    return "systemctl" if boot.user else "systemctl --user"


def _owner(folder: Path) -> str:
    """Return who owns a folder, or this user, where there is none."""
    return pwd.getpwuid(folder.stat().st_uid if folder.exists() else os.geteuid()).pw_name


def _require_ours(path: Path, boot: Boot) -> None:
    if not (path.exists() or path.is_symlink()):
        return
    first = _first_line(path)
    if first == head(boot.data):
        return
    if first.startswith(HEAD):
        whose = f"of another stack, that in {first.removeprefix(HEAD).strip().removesuffix('.')}"
    else:
        whose = "not of `weblake service`"
    raise ServiceError(f"{path} is there, and is {whose}; give these units another name (NAME=second), or move it away")


def _first_line(path: Path) -> str:
    if not path.is_file():
        return ""
    return (path.read_text(errors="replace").splitlines() or [""])[0]
