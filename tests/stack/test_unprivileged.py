"""The other user can reach PostgreSQL's programs and data even below private folders."""

import os
import subprocess
from pathlib import Path

import pytest
from stack.embedded.unprivileged import Account, account_for_servers, command_as
from stack.errors import StackError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


def private_program(tmp_path: Path) -> Path:
    """Create a program in a folder that only its owner may enter, as in `mktemp -d` or /root."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    program = folder / "program"
    program.write_text('#!/bin/sh\ntest -x "$0" && id -u\n')
    program.chmod(0o755)
    return program


def run(command: list[str]) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd="/"
    ).stdout.strip()


@as_root
def test_a_program_below_a_private_folder_runs_as_the_other_user(tmp_path: Path) -> None:
    """The program must also pass access(2), which initdb uses to look for the programs in its folder."""
    program = private_program(tmp_path)
    account = account_for_servers()
    assert account is not None
    assert run(command_as(account, [str(program)], [program])) == str(account.uid)


@as_root
def test_a_public_program_gets_no_capability() -> None:
    account = account_for_servers()
    command = command_as(account, ["cat", "/proc/self/status"], [Path("/usr/bin")])
    (held,) = [line for line in run(command).splitlines() if line.startswith("CapEff")]
    assert int(held.split()[1], 16) == 0


@as_root
def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="cannot reach"):
        command_as(Account(65534, 65534), ["true"], [tmp_path / "absent"])


def test_an_ordinary_user_stays_who_it_is() -> None:
    assert command_as(None, ["true"], []) == ["true"]
