"""Runs PostgreSQL, which refuses to run as root, as an ordinary user."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

# `postgres` if the distribution has that user, or else a user that every Unix has.
CANDIDATES = ("postgres", "nobody")
# In order of preference. The first only allows reading and passing through directories.
_CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}


@dataclass(frozen=True)
class Account:
    """The user that a program runs as; `None` means the current user."""

    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def account_for_servers() -> Account | None:
    """Return the account for servers, or None if the caller is not root."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise StackError(
        "PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody`"
    )


def command_as(account: Account | None, command: list[str], needs: list[Path]) -> list[str]:
    """Wrap `command` so that it runs as `account` and can reach each path in `needs`. Other users cannot enter a clone
    in a private directory (mode 0700, such as /root or `mktemp -d`). It would be unsafe to open the caller's
    directories to everybody, so the process gets only the capability to pass through them."""
    if account is None:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError("to run as root you need `setpriv` (package util-linux)")
    drop = [
        setpriv,
        f"--reuid={account.uid}",
        f"--regid={account.gid}",
        "--clear-groups",
        "--no-new-privs",
    ]
    if all(_reaches(drop, path) for path in needs):
        return [*drop, *command]
    for capability, number in _CAPABILITIES.items():
        if not _held(number):
            continue
        widened = [
            *drop,
            # Without it, access(2) ignores the capability, and initdb cannot find its own files.
            "--securebits=+no_setuid_fixup",
            f"--inh-caps=+{capability}",
            f"--ambient-caps=+{capability}",
        ]
        if all(_reaches(widened, path) for path in needs):
            return [*widened, *command]
    blocked = next(path for path in needs if not _reaches(drop, path))
    raise StackError(
        "user id {user}, which runs PostgreSQL, cannot reach {blocked}: choose a directory that it can reach with --data, or run as an ordinary user",
        user=account.uid,
        blocked=blocked,
    )


def _reaches(prefix: list[str], path: Path) -> bool:
    tried = subprocess.run(
        [*prefix, "test", "-x", str(path)], check=False, cwd="/", capture_output=True
    )
    return tried.returncode == 0


def _held(capability: int) -> bool:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> capability & 1)
    return False
