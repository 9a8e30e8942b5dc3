"""Runs the front under uvicorn with the guarded protocol."""

import logging
import resource
from contextlib import suppress

import uvicorn
from common.process.http_server import by_certificate, collect_seldom
from common.process.start import load, prepare

from gateway.front.app import Front
from gateway.front.edge.protocol import GuardedProtocol
from gateway.front.settings import FrontSettings


def server_config(settings: FrontSettings) -> uvicorn.Config:
    """Return uvicorn's configuration: our protocol, no proxy headers, no access log."""
    protocol = type(
        "ConfiguredProtocol",
        (GuardedProtocol,),
        {
            "head_seconds": settings.head_seconds,
            "write_seconds": settings.write_seconds,
        },
    )
    return uvicorn.Config(
        Front(settings),
        host=settings.host,
        port=settings.port,
        http=protocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        date_header=True,
        access_log=False,
        log_config=None,
        backlog=4096,
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.graceful_seconds,
        **by_certificate(settings),
    )


def take_all_descriptors() -> None:
    """Raise the limit of open files to the hard limit. It is often 1,024 (systemd, containerd 2), and one machine can
    easily keep that many silent connections open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # an unlimited hard limit may be impossible to set
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve() -> None:
    settings = load(FrontSettings)
    prepare(settings)
    take_all_descriptors()
    # These warnings are about malformed requests, and an attacker must not fill the log with them.
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.levelno != logging.WARNING)
    server = uvicorn.Server(server_config(settings))
    collect_seldom()
    server.run()
