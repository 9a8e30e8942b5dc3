"""Reads database errors that SQLAlchemy or asyncpg raises."""

import os
import ssl
from itertools import takewhile
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from common.process.certificates import refused

OF_DATABASE = (
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Errors of a statement: the database refused it or is unavailable."""


def chain(error: BaseException) -> list[Any]:
    """Return SQLAlchemy's error, the asyncpg error inside it, and the cause of that error (an OSError, for example)."""
    found: list[Any] = []
    seen: BaseException | None = error
    while seen is not None and seen not in found:
        found.append(seen)
        seen = getattr(seen, "orig", None) or seen.__cause__
    return found


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's SQLSTATE (appendix A of its manual), or "" if the error has none."""
    return next((str(e.sqlstate) for e in chain(error) if getattr(e, "sqlstate", None)), "")


def is_out_of_range(error: BaseException) -> bool:
    """Return whether a value cannot be stored, so that a retry is useless."""
    # asyncpg itself checks ranges and encodings. It raises a DataError without a SQLSTATE, caused by these errors.
    return sqlstate(error).startswith("22") or any(
        isinstance(e, ValueError | OverflowError) for e in chain(error)
    )


def remedy(error: BaseException) -> dict[str, str]:
    """Return as `remedy` which driver setting prevented a connection and what to do. Return an empty dict for other
    errors."""
    # Stop at errors from elsewhere. The certificate of a Vault, for example, does not concern the database driver.
    of_database = takewhile(lambda each: isinstance(each, OF_DATABASE), chain(error))
    said = next(filter(None, map(_of_certificate, of_database)), None)
    return {"remedy": said} if said else {}


def _of_certificate(error: BaseException) -> str | None:
    file = os.environ.get("PGSSLROOTCERT", "")
    match error:
        case ssl.SSLCertVerificationError():
            return refused(error, "PGSSLMODE=verify-full", f"PGSSLROOTCERT={file}")
        case ConnectionError() if "rejected SSL upgrade" in str(error):
            return "PGSSLMODE=verify-full: the server offers no TLS; turn it on there"
        case asyncpg.ClientConfigurationError():
            return "PGSSLMODE, PGSSLROOTCERT: " + str(error).partition("\n")[0]
        case ssl.SSLError() | OSError() if file and not _holds_certificates(file):
            return (
                f"PGSSLROOTCERT={file}: put the certificate of the server's authority there, as PEM"
            )
    return None


def _holds_certificates(file: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except OSError:
        return False
    return True
