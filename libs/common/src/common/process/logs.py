"""Structured logs (structlog, JSON), with a last safeguard against personal data.

Log calls contain ids, codes and counts. The processor below removes fields whose names suggest more, so that a careless
call leaks a marker instead of personal data.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import trace

REDACTED = "[redacted]"
_UNSAFE = re.compile(
    r"(?i)(^|_)(name|names|given|family|document|phone|email|address|birth|dob|token|secret|"
    r"password|authorization|cookie|body|payload|identity|narrative|note|notes|ip|query|receipt|"
    r"answer|answers|rationale)($|_)"
)
_SAFE = frozenset({"logger_name", "route_name", "host_name", "setting_name"})


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if key not in _SAFE and _UNSAFE.search(key):
            event[key] = REDACTED
    return event


def add_trace(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event


def short_traceback(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Log the place and type of an error, never its message or locals, because messages of database and validation
    errors quote values."""
    info = event.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else sys.exc_info()[1] if info else None
    if error is not None:
        event["error"] = type(error).__name__
        frames = []
        trace_back = error.__traceback__
        while trace_back is not None:
            code = trace_back.tb_frame.f_code
            frames.append(f"{code.co_filename.rsplit('/src/', 1)[-1]}:{trace_back.tb_lineno}")
            trace_back = trace_back.tb_next
        event["where"] = frames[-8:]
    return event


def configure(service: str, level: str = "INFO") -> None:
    """Write this process's logs to standard error, one JSON object per line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
        short_traceback,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn.access", "httpx", "httpcore", "alembic", "nats"):
        logging.getLogger(noisy).setLevel("WARNING")
    # at lower levels, SQLAlchemy and asyncpg log parameters
    logging.getLogger("sqlalchemy").setLevel("WARNING")
    structlog.contextvars.bind_contextvars(service=service)


def get_logger(name: str) -> Any:
    return structlog.stdlib.get_logger(name)
