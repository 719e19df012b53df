"""Serves ``/metrics`` to Prometheus."""

from __future__ import annotations

import logging
import threading
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from lake.errors import first_line
from lake.settings import Settings
from stack.metrics.exporter import Exporter

RETRY_SECONDS = 15.0

log = logging.getLogger(__name__)


def keep_serving(settings: Settings, exporter: Exporter, stop: threading.Event) -> None:
    """Serve the exporter's metrics until ``stop`` is set; where the port is taken, try again until it is free."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(exporter)
    server = None
    while server is None and not stop.is_set():
        server = _served(settings, registry)
        if server is None:
            stop.wait(RETRY_SECONDS)
    stop.wait()
    if server is not None:
        server.shutdown()
        server.server_close()


def _served(settings: Settings, registry: CollectorRegistry) -> WSGIServer | None:
    """Return the server; None, and why in the log, where it cannot listen."""
    host, port = settings.outlook.metrics_host, settings.outlook.metrics_port
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        log.warning("no metrics are served: %s:%d: %s; set METRICS_PORT to a free one", host, port, first_line(error))
        return None
    log.info("metrics at http://%s:%d/metrics", host, port)
    return server
