"""With verification on, a driver identifies the database by its certificate alone, and reports any missing file.

The embedded PostgreSQL has no TLS, so PgBouncer in front of it presents the certificate.
"""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from common.db.errors import remedy
from common.db.key_checks import KeysAway
from common.db.migrations import migrate
from common.db.session import Database
from httpx import AsyncClient
from referrals.ground.keys.store import create_tables
from stack.embedded.ports import LOOPBACK, answers, free_port
from stack.embedded.postgres import PostgresServer, ServiceDatabase
from stack.operate.cluster.database_certificates import new_authority

from tests.support import pgbouncer
from tests.support.leaving_out import left_out
from tests.support.system import until

NAME = "localhost"
OURS, ANOTHER = new_authority(), new_authority()
SIGNED_FOR, LATE = timedelta(days=90), timedelta(days=100)
SHOWN = {
    "ours": OURS.signed([NAME], SIGNED_FOR),
    "another's": ANOTHER.signed([NAME], SIGNED_FOR),
    "ours of old": OURS.signed([NAME], SIGNED_FOR, since=LATE),
}


@dataclass(frozen=True)
class Served:
    """A database that is reachable through PgBouncer's port with a certificate, or through the server's own port."""

    database: ServiceDatabase
    plain: int
    tls: Mapping[str, int]

    def by(self, host: str, port: int) -> ServiceDatabase:
        urls = {
            kind: sa.make_url(getattr(self.database, kind))
            .set(host=host, port=port)
            .render_as_string(hide_password=False)
            for kind in ("owner_url", "app_url")
        }
        return replace(self.database, **urls)


@pytest.fixture(scope="module")
def served(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if not pgbouncer.is_installed():
        left_out("no pgbouncer here (Debian package pgbouncer)")
    made = postgres.create_service_database("certified")
    assert postgres.port is not None
    words = {role: postgres.password(role) for role in ("certified_owner", "certified_app")}
    ports, processes = {}, []
    for which, (certificate, key) in SHOWN.items():
        ports[which] = free_port()
        command = pgbouncer.command(
            tmp_path_factory.mktemp("pgbouncer"),
            ports[which],
            postgres.port,
            words,
            {"pool_mode": "session", "client_tls_sslmode": "require"},
            {"client_tls_cert_file": certificate, "client_tls_key_file": key},
        )
        processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    for port in ports.values():
        until(lambda port=port: answers(port), "PgBouncer answers")  # type: ignore[misc]
    yield Served(made, postgres.port, ports)
    for process in processes:
        process.terminate()
        process.wait()


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the authority's file, as the production overlay passes it to the driver."""
    file = tmp_path / "ca.crt"
    file.write_text(OURS.certificate)
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(file))
    return file


async def _asks(url: str) -> int:
    database = Database.at(url)
    try:
        async with database.transaction() as session:
            return int(await session.scalar(sa.text("SELECT 7")) or 0)
    finally:
        await database.close()


@pytest.mark.usefixtures("trust")
async def test_whoever_shows_a_certificate_by_our_authority_for_its_name_is_the_database(
    served: Served,
) -> None:
    """The rule covers a service, its migrations and the key store's migrations."""
    there = served.by(NAME, served.tls["ours"])
    assert await _asks(there.app_url) == 7
    await create_tables(there.owner_url, there.app_role)
    assert await migrate("gateway.issuer", there.owner_url, there.app_role)


CASES = [
    (NAME, "another's", "PGSSLROOTCERT={file}: the server's certificate is by another authority"),
    (LOOPBACK, "ours", "PGSSLMODE=verify-full: the server's certificate is not for the host"),
    (NAME, "ours of old", "PGSSLMODE=verify-full: the server's certificate is not valid now"),
    (NAME, "plain", "PGSSLMODE=verify-full: the server offers no TLS"),
]


@pytest.mark.parametrize(("host", "which", "said"), CASES)
async def test_whoever_does_not_is_refused_and_what_to_do_is_said(
    served: Served, trust: Path, host: str, which: str, said: str
) -> None:
    there = served.by(host, served.plain if which == "plain" else served.tls[which])
    ways = (
        lambda: _asks(there.app_url),
        lambda: migrate("gateway.issuer", there.owner_url, there.app_role),
        lambda: create_tables(there.owner_url, there.app_role),
    )
    for way in ways:
        with pytest.raises(OSError) as refused:  # noqa: PT011 - what it is, its remedy says
            await way()
        assert remedy(refused.value)["remedy"].startswith(said.format(file=trust))


def test_a_renewed_file_counts_at_the_next_connection(served: Served, trust: Path) -> None:
    """A renewed file applies from the next connection. While the authority changes, both authorities are accepted."""
    trust.write_text(ANOTHER.certificate)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(_asks(served.by(NAME, served.tls["ours"]).app_url))
    trust.write_text(OURS.certificate + ANOTHER.certificate)
    for which in ("ours", "another's"):
        assert asyncio.run(_asks(served.by(NAME, served.tls[which]).app_url)) == 7


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_a_certificate_is_named(
    served: Served, trust: Path, content: str | None
) -> None:
    trust.unlink() if content is None else trust.write_text(content)
    with pytest.raises(OSError) as refused:  # noqa: PT011 - as above
        asyncio.run(_asks(served.by(NAME, served.tls["ours"]).app_url))
    assert remedy(refused.value)["remedy"].startswith(f"PGSSLROOTCERT={trust}: put the certificate")


def test_what_has_nothing_to_do_with_certificates_has_no_such_remedy(trust: Path) -> None:
    assert trust.exists()
    assert remedy(ConnectionRefusedError()) == {}
    assert remedy(ConnectionError("unexpected connection_lost() call")) == {}
    vault = KeysAway("Vault is not responding (RUTA_VAULT_URL): ConnectError")
    vault.__cause__ = httpx.ConnectError("all attempts failed")
    vault.__cause__.__cause__ = ssl.SSLCertVerificationError()
    assert remedy(vault) == {}
    store = KeysAway("the key store is not responding (RUTA_KEY_STORE_URL)")
    store.__cause__ = ssl.SSLCertVerificationError()
    assert "another authority" in remedy(store)["remedy"]


async def test_readiness_says_what_to_do_with_a_server_that_offers_no_tls(
    api: AsyncClient, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("trust")  # the database of the tests themselves was created without it
    answer = await api.get("/readyz")
    told = answer.json()["parts"]
    assert (answer.status_code, told["database"]) == (503, "unavailable")
    assert told["remedy"] == "PGSSLMODE=verify-full: the server offers no TLS; turn it on there"
