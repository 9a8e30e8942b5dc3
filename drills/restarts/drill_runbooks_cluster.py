"""Alerts about parts of a cluster, and those steps of their runbooks that work without a cluster.

The real source replaces each exporter: the operator's own queries on a PostgreSQL whose archive refuses and on a
standby that does not follow, a file system's free bytes, a process's exit codes, and a certificate's expiry.
docs/reliability.md describes the rest. Run it by name, `./ruta test drills/restarts/drill_runbooks_cluster.py`.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from common.process.certificates import tell_certificates
from common.settings import CoreSettings
from prometheus_client import CollectorRegistry
from stack.embedded.postgres import PostgresServer
from stack.operate.cluster import process_certificates

from drills.faults.standby import Standby
from drills.restarts.prometheus import firing_of, need_promtool
from tests.deploy.test_alerts import HEALTHY
from tests.support.leaving_out import left_out
from tests.support.system import until

pytestmark = [pytest.mark.faults, pytest.mark.slow]
_MINUTES = 90
_PRIMARY = 'ruta_service="postgres"'

# CloudNativePG's default queries, with the columns that our alerts use.
_ARCHIVER = """
SELECT COALESCE(EXTRACT(EPOCH FROM (now() - last_archived_time)), -1),
       COALESCE(EXTRACT(EPOCH FROM last_failed_time), -1),
       COALESCE(EXTRACT(EPOCH FROM last_archived_time), -1)
FROM pg_stat_archiver
"""
_REPLICATION = """
SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE GREATEST(0, EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp())) END,
       pg_is_in_recovery()::int, (EXISTS (TABLE pg_stat_wal_receiver))::int
"""


@pytest.fixture(autouse=True)
def _needed() -> None:
    need_promtool()


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that the server's own account can reach, even when other test folders are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _fires(folder: Path, **measured: float | str) -> set[str]:
    """Return the alerts that fire with these metrics in an otherwise healthy cluster. Each metric lasts as long as an
    alert may wait."""
    series = {name: f"{value}x{_MINUTES + 5}" for name, value in HEALTHY.items() if value}
    for name, value in measured.items():
        (known,) = [
            each for each in series if each.partition("{")[0] == name and _PRIMARY in each
        ] or [each for each in series if each.partition("{")[0] == name]
        series[known] = value if isinstance(value, str) else f"{value}x{_MINUTES + 5}"
    return firing_of(folder, series, _MINUTES)


@pytest.fixture
def archiving(place: Path) -> Iterator[PostgresServer]:
    folder = place / "first"
    folder.mkdir(mode=0o755)
    server = PostgresServer(folder, spool=place / "store")
    server.start()
    yield server
    server.stop(immediate=True)


def test_the_log_does_not_reach_the_archive(archiving: PostgresServer, place: Path) -> None:
    """RutaLogNotArchived"""

    def fires() -> bool:
        since, failed, archived = archiving.psql(_ARCHIVER).strip().split("|")
        told = _fires(
            place,
            cnpg_pg_stat_archiver_seconds_since_last_archival=float(since),
            cnpg_pg_stat_archiver_last_failed_time=float(failed),
            cnpg_pg_stat_archiver_last_archived_time=float(archived),
        )
        return "RutaLogNotArchived" in told

    def switch() -> None:
        archiving.psql("CREATE TABLE IF NOT EXISTS told (n int); INSERT INTO told VALUES (1)")
        archiving.psql("SELECT pg_switch_wal()")

    switch()
    until(lambda: archiving.psql(_ARCHIVER).strip().split("|")[2] != "-1", "it is archived")
    assert not fires()
    store = place / "store"
    store.rename(place / "away")  # Makes the object store unreachable.
    switch()
    until(fires, "it fires")
    # "The log stays on the volume": segments that are not archived are not removed.
    waiting = list((archiving.cluster / "pg_wal/archive_status").glob("*.ready"))
    assert waiting
    (place / "away").rename(store)  # It is reachable again.
    until(lambda: not fires(), "it is archived by itself")
    assert all((store / each.stem).exists() for each in waiting)


async def test_a_standby_does_not_follow(archiving: PostgresServer, place: Path) -> None:
    """RutaReplicationBehind: writes wait for the remaining standby. Without a standby nothing is acknowledged."""
    standby = Standby(archiving, place / "second")
    await standby.follow()

    def fires() -> bool:
        lag, recovering, receiving = standby.server.psql(_REPLICATION).strip().split("|")
        told = _fires(
            place,
            cnpg_pg_replication_lag=float(lag),
            cnpg_pg_replication_in_recovery=float(recovering),
            cnpg_pg_replication_is_wal_receiver_up=float(receiving),
        )
        return "RutaReplicationBehind" in told

    try:
        archiving.psql("CREATE TABLE told (n int)")
        assert not fires()
        standby.server.psql("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'")
        standby.server.psql("SELECT pg_reload_conf()")
        await asyncio.to_thread(until, fires, "it fires")
        with ThreadPoolExecutor(1) as client:
            writing = client.submit(archiving.psql, "INSERT INTO told VALUES (1)")
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            await asyncio.to_thread(
                until, lambda: archiving.psql(waits).strip() == "1", "the command waits"
            )
            # `kubectl cnpg destroy` deletes its volume and creates it again.
            standby.server.stop(immediate=True)
            again = Standby(archiving, place / "third")
            await again.follow()
            standby = again
            writing.result()
        await asyncio.to_thread(until, lambda: not fires(), "it is quiet again")
        there = "SELECT count(*) FROM told"
        await asyncio.to_thread(
            until, lambda: standby.server.psql(there).strip() == "1", "what waited is there"
        )
    finally:
        standby.server.stop(immediate=True)


def _url(server: PostgresServer) -> str:
    return server.admin_dsn.replace("postgresql://", "postgresql+asyncpg://")


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "volume"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        left_out("no file system of its own may be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_volume_fills(volume: Path, tmp_path: Path) -> None:
    """RutaVolumeFilling: the operator enlarges the claim, and the file system grows while in use."""

    def fires() -> bool:
        usage = shutil.disk_usage(volume)
        told = _fires(
            tmp_path,
            kubelet_volume_stats_available_bytes=usage.free,
            kubelet_volume_stats_capacity_bytes=usage.total,
        )
        return "RutaVolumeFilling" in told

    assert not fires()
    written = os.urandom(29 * 2**20)
    (volume / "data").write_bytes(written)
    assert fires()
    subprocess.run(["mount", "-o", "remount,size=64m", str(volume)], check=True)
    assert not fires()
    assert (volume / "data").read_bytes() == written


def _ended(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", *words],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pod_ends_again_and_again(tmp_path: Path) -> None:
    """RutaPodDead: one line names the wrong setting, and the exit status is 78."""
    ends = [_ended("referrals", "api", RUTA_DATABASE_POOL_SIZE="much") for _ in range(5)]
    assert {done.returncode for done in ends} == {78}
    logged = ends[0].stderr.strip().splitlines()  # `kubectl logs --previous`
    assert len(logged) == 1
    assert "RUTA_DATABASE_POOL_SIZE" in logged[0]
    again = " ".join(f"{2 + count}x8" for count in range(len(ends) + 5))
    assert "RutaPodDead" in _fires(tmp_path, kube_pod_container_status_restarts_total=again)
    once = f"2x10 3x{_MINUTES}"
    assert "RutaPodDead" not in _fires(tmp_path, kube_pod_container_status_restarts_total=once)


def test_a_migration_that_fails_says_its_revision(
    archiving: PostgresServer, tmp_path: Path
) -> None:
    """RutaPodDead also fires for a Job whose revision fails."""
    database = archiving.create_service_database("directory")
    archiving.psql("CREATE TABLE taxonomies (in_the_way int)", database="directory")
    jwks = tmp_path / "jwks.json"
    jwks.write_text('{"keys": []}')
    settings = {
        "RUTA_ENVIRONMENT": "embedded",  # Allows passwords of an embedded server.
        "RUTA_DATABASE_URL": database.app_url,
        "RUTA_DATABASE_OWNER_URL": database.owner_url,
        "RUTA_NATS_PASSWORD": "x" * 32,
        "RUTA_INTERNAL_JWKS_FILE": str(jwks),
        "RUTA_STORED_RESULT_KEY": "A" * 43 + "=",
    }
    done = _ended("directory", "migrate", **settings)
    assert done.returncode != 0
    told = done.stderr.strip().splitlines()[-1]
    assert "at revision 0001: " in told, done.stderr
    archiving.psql("DROP TABLE taxonomies", database="directory")
    assert _ended("directory", "migrate", **settings).returncode == 0


def _certificate(folder: Path, days: int) -> float:
    """Return the expiry of a certificate created now for this many days."""
    file = folder / "tls.crt"
    make = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ruta.example.org",
        "-days", str(days), "-keyout", str(folder / "tls.key"), "-out", str(file),
    ]  # fmt: skip
    subprocess.run(make, check=True, capture_output=True)
    told = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", str(file)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    ends = told.stdout.strip().partition("=")[2].replace("Z", "+00:00")
    return datetime.fromisoformat(ends).astimezone(UTC).timestamp()


def test_a_certificate_inside_ends(tmp_path: Path) -> None:
    """RutaInsideCertificateEnds stops once the printed certificate is mounted."""
    authority = process_certificates.new_authority()
    files = tmp_path / "tls.crt", tmp_path / "tls.key"
    for file, text in zip(files, authority.signed(["directory"], timedelta(days=20)), strict=True):
        file.write_text(text)
    registry = CollectorRegistry()
    told = CoreSettings(certificate_file=files[0], certificate_key_file=files[1])
    tell_certificates(registry, told)
    name = "ruta_certificate_seconds_left"

    def fires() -> bool:
        left = registry.get_sample_value(name, {"certificate": "own"})
        assert left is not None
        return "RutaInsideCertificateEnds" in _fires(tmp_path, **{name: left})

    assert fires()
    kept = tmp_path / "authority.json"
    kept.write_text(json.dumps(process_certificates.kept(authority)))
    done = _ended("stack", "k8s", "certificates", str(kept))
    assert done.returncode == 0, done.stderr
    new = next(
        document["stringData"]
        for document in yaml.safe_load_all(done.stdout)
        if document["metadata"]["name"] == process_certificates.certificate_of("directory")
    )
    for file in files:
        file.write_text(new[file.name])
    assert not fires()


def test_a_certificate_ends(tmp_path: Path) -> None:
    """RutaCertificateEnds stops once the next certificate exists."""
    now = time.time()
    name = "certmanager_certificate_expiration_timestamp_seconds"
    # Prometheus' test starts at second 0.
    assert "RutaCertificateEnds" in _fires(tmp_path, **{name: _certificate(tmp_path, 10) - now})
    assert "RutaCertificateEnds" not in _fires(tmp_path, **{name: _certificate(tmp_path, 90) - now})


def test_no_backup_for_more_than_36_hours(tmp_path: Path) -> None:
    """RutaBackupOld is for clusters. On a single server `doctor` reports the same, in drill_runbooks_load.py."""
    name = "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp"
    assert "RutaBackupOld" not in _fires(tmp_path, **{name: 0})
    assert "RutaBackupOld" in _fires(tmp_path, **{name: -37 * 3600})
