"""A wrongly configured process prints one line with the setting's name, then exits or waits."""

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from gateway.keys import ensure_internal_keys
from stack.embedded.ports import free_port
from stack.embedded.postgres import PostgresServer

from tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow

NOWHERE = "127.0.0.1:1"
SECRET = "abcdefghijklmnopqrstuvwxyz"


def key(size: int = 32) -> str:
    return base64.b64encode(os.urandom(size)).decode()


@pytest.fixture(scope="module")
def good(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Mapping[str, Mapping[str, str]]:
    """Return valid settings for a front and for a service."""
    folder = tmp_path_factory.mktemp("start")
    pem, jwks = folder / "internal.pem", folder / "jwks.json"
    ensure_internal_keys(pem, jwks)
    database = postgres.create_service_database("never_migrated")
    return {
        "gateway front": {
            "RUTA_ENVIRONMENT": "production",
            "RUTA_TOKEN_ISSUER_URL": f"http://{NOWHERE}/realm",
            "RUTA_DIRECTORY_URL": f"http://{NOWHERE}",
            "RUTA_INTERNAL_SIGNING_KEY_FILE": str(pem),
        },
        "reporting api": {
            "RUTA_ENVIRONMENT": "embedded",
            "RUTA_DATABASE_URL": database.app_url,
            "RUTA_NATS_URL": f"nats://{NOWHERE}",
            "RUTA_NATS_PASSWORD": SECRET,
            "RUTA_INTERNAL_JWKS_FILE": str(jwks),
            "RUTA_STORED_RESULT_KEY": key(),
            "RUTA_ROUNDING_KEY": key(),
            "RUTA_PSEUDONYM_KEY": key(),
            "RUTA_RUN_WORKER": "true",
        },
    }


def lines_of(
    command: str, settings: Mapping[str, str | None], folder: Path
) -> Generator[tuple[str, int | None], None, None]:
    """Yield each line that the process writes, then its exit status. End the process when the caller stops reading."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RUTA_")}
    given = {k: v for k, v in settings.items() if v is not None}
    process = subprocess.Popen(
        [sys.executable, "-m", *command.split()],
        env=inherited | {"RUTA_PORT": str(free_port())} | given,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    overdue = threading.Timer(PATIENCE, process.kill)
    overdue.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            yield line.rstrip(), None
        yield "", process.wait()
    finally:
        overdue.cancel()
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize(
    ("command", "change", "words"),
    [
        ("gateway front", {"RUTA_INTERNAL_SIGNING_KEY_FILE": "/nowhere"}, "not point to a file"),
        ("gateway front", {"RUTA_DIRECTORY_URL": "directory:8000"}, "must be an http or https"),
        ("reporting api", {"RUTA_ROUNDING_KEY": key(20)}, "a key must be 32 bytes"),
        ("reporting migrate", {"RUTA_DATABASE_OWNER_URL": None}, "is missing"),
    ],
)
def test_a_wrong_setting_ends_the_process_with_one_line_that_names_it(
    good: Mapping[str, Mapping[str, str]],
    tmp_path: Path,
    command: str,
    change: Mapping[str, str | None],
    words: str,
) -> None:
    settings = {**good[command.replace("migrate", "api")], **change}
    *said, (_, status) = lines_of(command, settings, tmp_path)
    assert status == 78
    (line,) = [line for line, _ in said]
    (name,) = change
    assert line.startswith("ruta: ")
    assert name in line
    assert words in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        ("reporting migrate", "RUTA_DATABASE_OWNER_URL"),
        ("referrals migrate", "RUTA_KEY_STORE_OWNER_URL"),
        ("gateway issuer-migrate", "RUTA_DATABASE_OWNER_URL"),
    ],
)
def test_a_migration_without_its_database_may_be_tried_again(
    good: Mapping[str, Mapping[str, str]], tmp_path: Path, command: str, setting: str
) -> None:
    away = f"postgresql+asyncpg://owner:{SECRET}@{NOWHERE}/away"
    urls = ("RUTA_DATABASE_OWNER_URL", "RUTA_KEY_STORE_URL", "RUTA_KEY_STORE_OWNER_URL")
    ring = tmp_path / "ring.json"
    ring.write_text("{}")
    own = {
        **dict.fromkeys(urls, away),
        "RUTA_KEY_ENCRYPTION_KEYS_FILE": str(ring),
        "RUTA_BLIND_INDEX_KEY": key(),
        "RUTA_TOKEN_ISSUER_URL": f"http://{NOWHERE}",
        "RUTA_SIGNING_KEYS_DIR": str(tmp_path),
    }
    *said, (_, status) = lines_of(command, {**good["reporting api"], **own}, tmp_path)
    assert [line for line, _ in said] == [
        f"ruta: {setting}: the database refused the connection (ConnectionRefusedError)"
    ]
    assert status == 75


@pytest.mark.parametrize(
    ("command", "change", "said"),
    [
        ("gateway front", {}, {"token_keys_unreadable": "RUTA_TOKEN_ISSUER_URL"}),
        (
            "reporting api",
            {},
            {"schema_behind": "run the migration of this release", "broker_": "RUTA_NATS_URL"},
        ),
        (
            "reporting api",
            {"RUTA_DATABASE_URL": f"postgresql+asyncpg://app:{SECRET}@{NOWHERE}/reporting"},
            {"database_unreachable": "RUTA_DATABASE_URL"},
        ),
    ],
)
def test_what_is_away_is_named_and_waited_for(
    good: Mapping[str, Mapping[str, str]],
    tmp_path: Path,
    command: str,
    change: Mapping[str, str],
    said: Mapping[str, str],
) -> None:
    awaited = dict(said)
    with closing(lines_of(command, {**good[command], **change}, tmp_path)) as lines:
        for line, status in lines:
            assert status is None, f"it ended without naming {awaited}"
            awaited = {
                event: words
                for event, words in awaited.items()
                if not (event in line and words in line)
            }
            if not awaited:
                break
