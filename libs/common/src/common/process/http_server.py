"""The HTTP server that every process uses."""

import gc
from typing import Any

import uvicorn

from common.process import certificates
from common.settings import CoreSettings


def collect_seldom() -> None:
    """Reduce garbage collection. Imported objects live as long as the process, and checking them on each run took a
    third of the time of large responses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def by_certificate(settings: CoreSettings) -> dict[str, Any]:
    """Return uvicorn's TLS options. Return an empty dict without a certificate."""
    context = certificates.shown(settings)
    return {} if context is None else {"ssl_context_factory": lambda _config, _default: context}


def serve(app: Any, settings: CoreSettings) -> None:
    """Run uvicorn with safe options: httptools prevents request smuggling, and X-Forwarded-For is never trusted."""
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
