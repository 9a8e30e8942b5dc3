"""The contents of a backup, and how to move them out of and into a data directory.

There are two archives. `data.ruta` contains the databases of the three services and of the issuer; `keys.ruta` contains
the key store and the key files. They are separate, because a restored key store would bring erased people back. Neither
contains the event store: PostgreSQL is the record, and the outbox publishes its events again.
"""

import os
import shutil
import subprocess
from pathlib import Path

from stack.embedded.layout import Layout
from stack.embedded.postgres import SUPERUSER, PostgresServer, binaries
from stack.errors import StackError
from stack.operate.backup.published import put_back, set_aside

ISSUER = "issuer"
_SERVICES = ("directory", "referrals", "reporting")
DATA_DATABASES = (*_SERVICES, ISSUER)
KEY_DATABASES = ("referral_keys",)
DATA_ARCHIVE, KEYS_ARCHIVE = "data.ruta", "keys.ruta"
_KEY_FILES = (
    *("secrets.json", "broker.json", "secrets.yaml"),
    *("clients.json", "bootstrap-clients.json", "people.json", "second-places.json"),
)
_KEY_FOLDERS = ("keys", "anchors")


def dump(server: PostgresServer, databases: tuple[str, ...], folder: Path) -> None:
    """Dump each database in custom format. Verify each dump by reading its table of contents."""
    for name in databases:
        target = folder / f"{name}.dump"
        run_program(server, "pg_dump", "--format=custom", "--file", str(target), "--dbname", name)
        run_program(server, "pg_restore", "--list", str(target))


def load(server: PostgresServer, databases: tuple[str, ...], folder: Path) -> None:
    """Replace each database with its dump, in one transaction per database."""
    for name in databases:
        source = folder / f"{name}.dump"
        if not source.exists():
            raise StackError("the backup does not contain the database {name}", name=name)
        server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.create_service_database(name)
        run_program(
            server,
            *("pg_restore", "--single-transaction", "--exit-on-error"),
            *("--dbname", name, str(source)),
        )


def load_data(server: PostgresServer, folder: Path, *, rights: bool) -> None:
    """Load the record and, with `rights`, the issuer's database. Without `rights`, the current rights remain, so that
    nobody regains access who was dismissed or whose secret was stolen. Published reports also remain."""
    kept = set_aside(server)
    load(server, _SERVICES, folder)
    if kept:
        put_back(server, folder)
    if rights:
        load(server, (ISSUER,), folder)
        # Otherwise, used or revoked refresh tokens would be valid again.
        server.psql("TRUNCATE authorization_codes, refresh_tokens", database=ISSUER)


def set_rights_aside(layout: Layout) -> None:
    """Rename the lists of rights, because the rights in the backup now apply and a new list begins."""
    for file in layout.rights_files:
        if file.exists():
            file.replace(file.with_suffix(".before"))


def continue_transactions(server: PostgresServer, databases: tuple[str, ...]) -> None:
    """Make new transaction ids exceed all earlier ones, and restart the server. Rows, partners' cursors and copies
    refer to transaction ids, but a new server would count from the beginning."""
    newest = [int(server.psql("SELECT pg_current_xact_id()"))]
    for name in databases:
        newest += [int(found) for found in server.psql(_TRANSACTIONS, database=name).split()]
    server.begin_epoch((max(newest) >> 32) + 1)


# selects the newest id in each column of that type
_TRANSACTIONS = """
    SELECT format('SELECT max(%I::text::numeric) FROM %s', a.attname, c.oid::regclass)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.atttypid = 'xid8'::regtype AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    \\gexec
"""


def copy_keys(layout: Layout, folder: Path) -> None:
    """Copy the key files. Raise StackError on failure, because the errors of `shutil` name the source file but do not
    mention the full disk."""
    try:
        for name in _KEY_FILES:
            if (layout.root / name).exists():
                shutil.copy2(layout.root / name, folder / name)
        for name in _KEY_FOLDERS:
            if (layout.root / name).is_dir():
                shutil.copytree(layout.root / name, folder / name)
    except OSError as error:
        raise StackError(
            "the keys could not be copied to {folder} ({why}), so there is no usable backup. Free some space there, then try again",
            folder=folder,
            why=error.strerror
            or error.args[0][0][-1],  # the first form is for a file, the second for a folder
        ) from error


def put_keys(layout: Layout, folder: Path) -> None:
    for name in _KEY_FILES:
        if (folder / name).exists():
            shutil.copy2(folder / name, layout.root / name)
    for name in _KEY_FOLDERS:
        if (folder / name).is_dir():
            shutil.copytree(folder / name, layout.root / name, dirs_exist_ok=True)


def put_missing_keys(layout: Layout, folder: Path) -> list[str]:
    """Restore missing key files. The operator must move existing files away by hand, whether they are right or
    wrong."""
    put_back = []
    for source in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = source.relative_to(folder)
        target = layout.root / name
        # Anchors and lists belong to a database. If an old one replaced a lost one, it would prove nothing.
        of_keys = name.parts[0] in (*_KEY_FILES, "keys") and name.suffix != ".jsonl"
        if not of_keys or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(source, target)
        put_back.append(str(name))
    return put_back


def forget_event_store(layout: Layout, server: PostgresServer) -> None:
    """Empty the stream, which is newer or older than the restored record, and republish all events. Readers drop events
    that they already have, because their inboxes were restored with the databases."""
    shutil.rmtree(layout.nats / "jetstream", ignore_errors=True)
    for name in _SERVICES:
        server.psql("UPDATE outbox SET published_at = NULL", database=name)


def run_program(server: PostgresServer, program: str, *arguments: str) -> None:
    """Run a PostgreSQL client program as the superuser of `server`. Raise StackError if it fails."""
    environment = {
        **os.environ,
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": SUPERUSER,
        "PGPASSWORD": server.password(SUPERUSER),
    }
    done = subprocess.run(
        [str(binaries() / program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode != 0:
        raise StackError.passed_on(f"{program}: {done.stderr.strip().splitlines()[-1]}")
