"""Debian's PgBouncer in front of this run's PostgreSQL, which has no TLS itself."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from stack.embedded.ports import LOOPBACK
from stack.embedded.unprivileged import account_for_servers, command_as

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"


def is_installed() -> bool:
    return Path(PROGRAM).exists()


def command(
    folder: Path,
    port: int,
    target: int,
    passwords: Mapping[str, str],
    settings: Mapping[str, object],
    files: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the command that starts PgBouncer on `port` for the server on `target`. `files` maps settings to contents,
    which this function writes into `folder`."""
    folder.mkdir(exist_ok=True)
    users = folder / "users.txt"
    users.write_text("".join(f'"{role}" "{word}"\n' for role, word in passwords.items()))
    said: dict[str, object] = {
        "listen_addr": LOOPBACK,
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "plain",
        "auth_file": users,
        "max_prepared_statements": 0,
        "ignore_startup_parameters": "extra_float_digits",
        **settings,
    }
    for name, content in (files or {}).items():
        said[name] = folder / name
        (folder / name).write_text(content)
    lines = "".join(f"{key} = {value}\n" for key, value in said.items())
    config = folder / "pgbouncer.ini"
    config.write_text(f"[databases]\n* = host={LOOPBACK} port={target}\n[pgbouncer]\n{lines}")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return command_as(account_for_servers(), [PROGRAM, str(config)], [folder])
