"""The directory's own reader through PgBouncer, as the production overlay has it: it takes no setting of a session."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from services_directory.reading.rows_queries import Reader
from stack.ports import LOOPBACK, answers, free_port
from stack.postgres import PostgresServer

from tests.support import pgbouncer
from tests.support.leaving_out import left_out
from tests.support.system import until


@pytest.fixture
def address(postgres: PostgresServer, tmp_path: Path) -> Iterator[str]:
    if not pgbouncer.is_installed():
        left_out("no pgbouncer here (Debian package pgbouncer)")
    made = postgres.create_service_database("behind_pgbouncer")
    assert postgres.port is not None
    port, words = free_port(), {made.app_role: postgres.password(made.app_role)}
    settings = {"pool_mode": "transaction"}
    command = pgbouncer.command(tmp_path / "pool", port, postgres.port, words, settings)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port), "PgBouncer answers")
        url = sa.make_url(made.app_url).set(host=LOOPBACK, port=port)
        yield url.render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("afresh", [False, True])
async def test_pgbouncer_lets_the_directorys_reader_in(address: str, afresh: bool) -> None:
    reader = Reader(address, size=2, via_pgbouncer=True, name="ruta-directory")
    try:
        for number in (7, 8):
            rows = await reader.fetch("SELECT $1::int AS n", [number], afresh=afresh)
            assert [row["n"] for row in rows] == [number]
    except asyncpg.PostgresError as error:
        pytest.fail(f"PgBouncer refuses it: {error}")
    finally:
        await reader.close()
