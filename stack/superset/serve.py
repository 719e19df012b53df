"""``make superset``: Apache Superset on the marts of the running stack, in the foreground, on this machine only.

Superset needs 170 libraries, some in versions that ours exclude. So it has an environment of its own below the data
folder, made when it is first asked for and whenever its lock file has changed.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from lake.errors import ServiceError
from lake.files import write_whole
from lake.settings import Settings, child_environment
from stack.console import say, step
from stack.servers import postgres
from stack.servers.ports import LOCALHOST, PortClaims
from stack.servers.roles import ANALYST
from stack.servers.waiting import wait_until

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
LOCK = HERE / "requirements.lock"
PORT = 8088
START_SECONDS = 180
STOP_SECONDS = 20
CONFIGURATION = """\
# Written by `make superset`.
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = {database!r}
# Whoever can reach the port sees the dashboard and its charts. SQL Lab is for who logs in.
FEATURE_FLAGS = {{"DASHBOARD_RBAC": True}}
AUTH_ROLE_PUBLIC = "Public"
PUBLIC_ROLE_LIKE = "Gamma"
WTF_CSRF_TIME_LIMIT = None
"""


def serve(settings: Settings, port: int = PORT) -> int:
    """Serve the dashboard until this process is told to stop; return the exit code of the server, or 0.

    Raises:
        ServiceError: the stack does not run, or Superset cannot be installed, set up or started.
    """
    refusal = postgres.refusal(settings, ANALYST)
    if refusal:
        raise ServiceError(f"the marts cannot be read: {refusal.words}; run `make up` first")
    home = settings.data / "superset"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_installed(home):
        _install(home)
    _configure(home)
    with step("Bringing the dashboard"):
        _provision(settings, home)
    with PortClaims() as claims:
        port = claims.pick(port)
        return _run_server(settings, home, port)


def _is_installed(home: Path) -> bool:
    stamp = home / "installed.sha256"
    return stamp.exists() and stamp.read_text() == _hash(LOCK)


def _install(home: Path) -> None:
    """Make Superset's environment: about 830 MB."""
    venv = home / "venv"
    shutil.rmtree(venv, ignore_errors=True)
    with step("Installing Superset (once; some minutes, 830 MB)"):
        _require(subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False))
        options = ["--no-deps", "--require-hashes", "--no-input", "--quiet", "--disable-pip-version-check"]
        command = [str(venv / "bin" / "python"), "-m", "pip", "install", *options, "-r", str(LOCK)]
        _require(subprocess.run(command, capture_output=True, text=True, check=False))
    write_whole(home / "installed.sha256", _hash(LOCK))


def _configure(home: Path) -> None:
    """Write Superset's configuration, with the key that signs its sessions, for this user alone."""
    key_file = home / "secret_key"
    if not key_file.exists():
        write_whole(key_file, secrets.token_hex(32), mode=0o600)
    text = CONFIGURATION.format(key=key_file.read_text(), database=f"sqlite:///{home / 'superset.db'}")
    write_whole(home / "superset_config.py", text, mode=0o600)


def _provision(settings: Settings, home: Path) -> None:
    place = f"{settings.postgres_host}:{settings.postgres_port}/{settings.postgres_database}"
    command = [str(home / "venv" / "bin" / "python"), str(HERE / "provision.py"), str(ASSETS), place]
    done = subprocess.run(
        command,
        input=settings.password(ANALYST),
        env=_environment(settings, home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    (home / "provision.log").write_text(done.stdout + done.stderr)
    _require(done)


def _run_server(settings: Settings, home: Path, port: int) -> int:
    workers = ["-w", "1", "-k", "gthread", "--threads", "8", "--timeout", "120"]
    command = [str(home / "venv" / "bin" / "gunicorn"), *workers, "-b", f"{LOCALHOST}:{port}"]
    with (home / "superset.log").open("ab") as log:
        server = subprocess.Popen(
            [*command, "superset.app:create_app()"],
            env=_environment(settings, home),
            cwd=home,
            stdout=log,
            stderr=log,
        )
    previous = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        with step("Starting Superset"):
            wait_until(lambda: _answers(port, server), START_SECONDS, f"Superset answers; see {home / 'superset.log'}")
        say(f"\n  dashboard   http://{LOCALHOST}:{port}/superset/dashboard/shop/")
        say(
            f"  SQL Lab     log in as {ANALYST}; the password is POSTGRES_ANALYST_PASSWORD in {settings.data}/stack.env"
        )
        say("  stop        ^C")
        return _outcome(server.wait())
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        _end(server)


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    """Say whether the server answers.

    Raises:
        ServiceError: it has ended.
    """
    if server.poll() is not None:
        raise ServiceError(f"Superset ended with exit code {server.returncode}; see superset.log in its folder")
    try:
        with urlopen(f"http://{LOCALHOST}:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _outcome(code: int) -> int:
    """Return the exit code: that of a server that was told to stop is none."""
    return 0 if code in (0, -signal.SIGTERM) else code


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server, and with it its workers."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _environment(settings: Settings, home: Path) -> dict[str, str]:
    return child_environment(
        settings,
        SUPERSET_CONFIG_PATH=str(home / "superset_config.py"),
        SUPERSET_HOME=str(home),
        PGPASSWORD=settings.password(ANALYST),
    )


def _require(done: subprocess.CompletedProcess[str]) -> None:
    """Raise ServiceError with the last lines of a command that failed."""
    if done.returncode:
        last = deque((done.stdout + done.stderr).splitlines(), maxlen=5)
        raise ServiceError("Superset cannot be set up: " + "\n".join(last))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() + "\n"
