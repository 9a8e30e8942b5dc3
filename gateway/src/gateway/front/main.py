"""Runs the front under uvicorn with the guarded protocol."""

import logging
import resource
from contextlib import suppress

import uvicorn
from common.process.serving import by_certificate, collect_seldom
from common.process.start import load, prepare

from gateway.front.app import Front
from gateway.front.settings import FrontSettings
from gateway.front.wire.protocol import GuardedProtocol


def server_config(settings: FrontSettings) -> uvicorn.Config:
    """uvicorn's configuration: no proxy headers, no access log, our protocol."""
    protocol = type(
        "ConfiguredProtocol",
        (GuardedProtocol,),
        {
            "head_seconds": settings.head_seconds,
            "idle_seconds": settings.idle_seconds,
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
    """As many connections as this process may have: what it begins with is often 1,024 (systemd, containerd 2), and so many
    that say nothing take no bandwidth from one machine."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # what says that there is no limit may have one
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve() -> None:
    settings = load(FrontSettings)
    prepare(settings)
    take_all_descriptors()
    # uvicorn says once per malformed request that it was one; the answer says so already.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: record.getMessage() != "Invalid HTTP request received."
    )
    server = uvicorn.Server(server_config(settings))
    collect_seldom()
    server.run()
