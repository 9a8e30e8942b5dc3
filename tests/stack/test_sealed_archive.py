"""What becomes of a backup whose place is full."""

import os
from pathlib import Path

import pytest
from common.crypto import new_key
from stack.backup.sealed_archive import read_archive, write_archive
from stack.errors import StackError

from tests.support.full_disks import full_after


def test_where_there_is_no_room_the_last_backup_stays_and_nothing_beside_it(tmp_path: Path) -> None:
    """Half of one in its place would look like one; half of one beside it would fill the disk for the next."""
    plain, target, key = tmp_path / "plain", tmp_path / "there" / "data.ruta", new_key()
    for folder in (plain, target.parent):
        folder.mkdir()
    (plain / "dump").write_bytes(b"yesterday")
    write_archive(plain, target, key, "data")
    before = target.read_bytes()
    (plain / "dump").write_bytes(os.urandom(3 << 20))
    with full_after(1 << 20), pytest.raises(StackError, match=r"this is no backup\. Free some"):
        write_archive(plain, target, key, "data")
    assert [path.name for path in target.parent.iterdir()] == ["data.ruta"]
    assert target.read_bytes() == before
    write_archive(plain, target, key, "data")
    read_archive(target, tmp_path / "back", key, "data")
    assert (tmp_path / "back" / "dump").read_bytes() == (plain / "dump").read_bytes()
