"""Real servers that write access logs and come as packages of Debian's: Apache and HAProxy, as in ``web_servers``."""

from __future__ import annotations

import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web_servers import running

from stack.servers.ports import pick_quiet_ports

COMBINED = r"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""
APACHE_FORMATS = {
    "apache_combined": COMBINED,
    "apache_vhost": f"%v:%p {COMBINED}",
    "apache_microseconds": f"{COMBINED} %D",
    "apache_custom": r"%{X-Forwarded-For}i -> %{Host}i %t \"%r\" %>s %B %{us}T \"%{Referer}i\" \"%{User-Agent}i\"",
}
"""Log -> the string after ``LogFormat`` by which Apache writes it; the first two are Debian's."""
MODULES = ("mpm_prefork", "authz_core", "proxy", "proxy_http")
MODULES_FOLDER = Path("/usr/lib/apache2/modules")
CAPTURED_BYTES = 1024
TARGET_BYTES = 1023
"""How much HAProxy logs of a request's first line, if nobody sets ``tune.http.logurilen``."""
CAPTURES = tuple(f"capture request header {name} len {CAPTURED_BYTES}" for name in ("User-Agent", "Referer", "Host"))
"""What has to stand in HAProxy's frontend, so that its log has an agent."""
LONGEST_LINE = 65_000


@contextmanager
def apache(folder: Path, pages: int) -> Iterator[int]:
    """Run Apache before the server at a port, with all logs of ``APACHE_FORMATS``; gives its own port."""
    folder.mkdir(exist_ok=True)
    (port,) = pick_quiet_ports(1)
    modules = "".join(f"LoadModule {name}_module {MODULES_FOLDER}/mod_{name}.so\n" for name in MODULES)
    logs = "".join(f'CustomLog {folder}/{name}.log "{string}"\n' for name, string in APACHE_FORMATS.items())
    (folder / "httpd.conf").write_text(f"""
{modules}
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/httpd.pid
ErrorLog {folder}/error.txt
ServerName www.shop.example
Listen 127.0.0.1:{port}
User www-data
AllowEncodedSlashes NoDecode
ProxyPass / http://127.0.0.1:{pages}/ nocanon
{logs}
""")
    program = shutil.which("apache2") or ""
    with running(folder, program, "-X", "-f", str(folder / "httpd.conf"), port=port):
        yield port


@contextmanager
def haproxy(folder: Path, pages: int) -> Iterator[dict[str, int]]:
    """Run HAProxy before the server at a port; gives the ports of two frontends, ``haproxy`` and ``haproxy_captures``.

    The second captures the headers of ``CAPTURES``. Both send their log lines to a socket, each to its own, from which
    they go to a file of the frontend's name.
    """
    folder.mkdir(exist_ok=True)
    captures = {"haproxy": "", "haproxy_captures": "\n    ".join(CAPTURES)}
    ports = dict(zip(captures, pick_quiet_ports(2), strict=True))
    with _collector(folder / "haproxy.log") as plain, _collector(folder / "haproxy_captures.log") as captured:
        logs = {"haproxy": plain, "haproxy_captures": captured}
        frontends = "".join(
            f"""
frontend {name}
    bind 127.0.0.1:{ports[name]}
    log 127.0.0.1:{logs[name]} len {LONGEST_LINE} local0
    {lines}
    default_backend web
"""
            for name, lines in captures.items()
        )
        (folder / "haproxy.cfg").write_text(f"""
global
    nbthread 1
defaults
    mode http
    option httplog
    timeout connect 5s
    timeout client 5s
    timeout server 5s
backend web
    server web1 127.0.0.1:{pages}
{frontends}
""")
        program = shutil.which("haproxy") or ""
        command = (program, "-db", "-f", str(folder / "haproxy.cfg"))
        with running(folder, *command, port=ports["haproxy_captures"], end=signal.SIGUSR1):  # once all is logged
            yield ports


@contextmanager
def _collector(path: Path) -> Iterator[int]:
    """Write what comes to a port as UDP to a file, a line for each datagram, as syslog does; gives the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, path.open("wb") as file:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]

        def collect() -> None:
            while line := server.recv(LONGEST_LINE + 1):
                if b"]: Proxy " not in line:  # that it stops
                    file.write(line.rstrip(b"\n") + b"\n")

        thread = threading.Thread(target=collect)
        thread.start()
        try:
            yield port
        finally:
            server.sendto(b"", ("127.0.0.1", port))  # behind all that was logged
            thread.join()
