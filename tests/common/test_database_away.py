"""A broken database connection gives 503; a bug of ours still gives 500."""

import asyncpg
import pytest
from common.http.problems import from_database
from sqlalchemy.exc import DBAPIError, InternalError, PendingRollbackError, ProgrammingError


class _Told(Exception):
    """The error as SQLAlchemy's adapter raises it, with or without the server's SQLSTATE."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("x")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InternalError("SELECT 1", {}, _Told(None)), 503),
        (asyncpg.InternalClientError("unexpected state"), 503),
        (PendingRollbackError("x"), 503),
        (DBAPIError("SELECT 1", {}, _Told("57P03")), 503),
        (DBAPIError("SELECT 1", {}, _Told("53100")), 503),
        (InternalError("SELECT 1", {}, _Told("XX000")), 500),
        (ProgrammingError("SELECT", {}, _Told("42601")), 500),
    ],
)
def test_the_status_tells_whose_fault_it_is(error: Exception, status: int) -> None:
    assert from_database(error).kind.status == status
