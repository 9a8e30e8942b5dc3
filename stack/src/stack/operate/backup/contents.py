"""What a backup consists of, and how it is taken from and put back into a data directory.

Two archives. `data.ruta`: the databases of the three services and of the issuer. `keys.ruta`: the
key store and the key files. Apart, because a restored key store would bring erased people back.
The event store is in neither: PostgreSQL is the record, and the outbox publishes again.
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
    """One custom-format dump per database, each read back by its table of contents."""
    for name in databases:
        target = folder / f"{name}.dump"
        run_program(server, "pg_dump", "--format=custom", "--file", str(target), "--dbname", name)
        run_program(server, "pg_restore", "--list", str(target))


def load(server: PostgresServer, databases: tuple[str, ...], folder: Path) -> None:
    """Replaces each database by its dump, in one transaction per database."""
    for name in databases:
        source = folder / f"{name}.dump"
        if not source.exists():
            raise StackError("the backup holds no database {name}", name=name)
        server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.create_service_database(name)
        run_program(
            server,
            *("pg_restore", "--single-transaction", "--exit-on-error"),
            *("--dbname", name, str(source)),
        )


def load_data(server: PostgresServer, folder: Path, *, rights: bool) -> None:
    """The record and, with `rights`, who may get in. Without, that stays: whoever was let go, or whose secret was
    stolen, would get in again. So does what was published."""
    kept = set_aside(server)
    load(server, _SERVICES, folder)
    if kept:
        put_back(server, folder)
    if rights:
        load(server, (ISSUER,), folder)
        # A refresh token that was used or withdrawn since would be a fresh one again.
        server.psql("TRUNCATE authorization_codes, refresh_tokens", database=ISSUER)


def set_rights_aside(layout: Layout) -> None:
    """Rights are to be as in the backup, and not as the list of them says: it begins anew."""
    for file in layout.rights_files:
        if file.exists():
            file.replace(file.with_suffix(".before"))


def continue_transactions(server: PostgresServer, databases: tuple[str, ...]) -> None:
    """Let all that is written from now on come after whatever was ever written: rows, partners' cursors and copies name
    transactions, and a server that was made anew counts them from the beginning. The server is started anew."""
    newest = [int(server.psql("SELECT pg_current_xact_id()"))]
    for name in databases:
        newest += [int(found) for found in server.psql(_TRANSACTIONS, database=name).split()]
    server.begin_epoch((max(newest) >> 32) + 1)


# The newest that each column names.
_TRANSACTIONS = """
    SELECT format('SELECT max(%I::text::numeric) FROM %s', a.attname, c.oid::regclass)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.atttypid = 'xid8'::regtype AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    \\gexec
"""


def copy_keys(layout: Layout, folder: Path) -> None:
    """StackError where they cannot be copied; the errors of `shutil` name the file that it reads, not the full disk."""
    try:
        for name in _KEY_FILES:
            if (layout.root / name).exists():
                shutil.copy2(layout.root / name, folder / name)
        for name in _KEY_FOLDERS:
            if (layout.root / name).is_dir():
                shutil.copytree(layout.root / name, folder / name)
    except OSError as error:
        raise StackError(
            "the keys could not be copied to {folder} ({why}): this is no backup. Free some space there, then repeat it",
            folder=folder,
            why=error.strerror
            or error.args[0][0][-1],  # of one file; of a folder, what each file met
        ) from error


def put_keys(layout: Layout, folder: Path) -> None:
    for name in _KEY_FILES:
        if (folder / name).exists():
            shutil.copy2(folder / name, layout.root / name)
    for name in _KEY_FOLDERS:
        if (folder / name).is_dir():
            shutil.copytree(folder / name, layout.root / name, dirs_exist_ok=True)


def put_missing_keys(layout: Layout, folder: Path) -> list[str]:
    """Key files that are gone come back; one that is there, right or wrong, is moved aside by hand."""
    put_back = []
    for source in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = source.relative_to(folder)
        target = layout.root / name
        # Anchors and lists go with a database: an old one in place of a lost one would prove nothing.
        of_keys = name.parts[0] in (*_KEY_FILES, "keys") and name.suffix != ".jsonl"
        if not of_keys or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(source, target)
        put_back.append(str(name))
    return put_back


def forget_event_store(layout: Layout, server: PostgresServer) -> None:
    """The stream is newer or older than the restored record: empty it and publish all again.

    Readers that had an event drop it by its id (the inbox came back with the databases).
    """
    shutil.rmtree(layout.nats / "jetstream", ignore_errors=True)
    for name in _SERVICES:
        server.psql("UPDATE outbox SET published_at = NULL", database=name)


def run_program(server: PostgresServer, program: str, *arguments: str) -> None:
    """A client program of PostgreSQL against `server`, as its superuser; StackError if it fails."""
    environment = {
        **os.environ,
        "PGHOST": "127.0.0.1",
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
