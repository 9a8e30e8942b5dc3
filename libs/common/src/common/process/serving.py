"""How every process with pages or operations serves."""

import gc
from typing import Any

import uvicorn

from common.process import certificates
from common.settings import CoreSettings


def collect_seldom() -> None:
    """Objects of imports live as long as the process: checking them with each collection took a third of the time of
    large answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def by_certificate(settings: CoreSettings) -> dict[str, Any]:
    """uvicorn's options for a process with a certificate: no port without TLS."""
    context = certificates.shown(settings)
    return {} if context is None else {"ssl_context_factory": lambda _config, _default: context}


def serve(app: Any, settings: CoreSettings) -> None:
    """uvicorn with the choices that matter: httptools refuses smuggled requests, and nobody's
    X-Forwarded-For is believed."""
    collect_seldom()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        proxy_headers=False,
        server_header=False,
        date_header=True,
        access_log=False,
        log_config=None,
        lifespan="on",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.graceful_seconds,
        **by_certificate(settings),
    )
