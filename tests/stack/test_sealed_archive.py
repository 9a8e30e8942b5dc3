"""A backup on a full disk."""

import io
import os
from pathlib import Path

import pytest
from common.crypto import new_key
from stack.errors import StackError
from stack.operate.backup.sealed_archive import (
    MAGIC,
    SealingWriter,
    opened,
    read_archive,
    write_archive,
)

from tests.support.full_disks import full_after


def test_where_there_is_no_room_the_last_backup_stays_and_nothing_beside_it(tmp_path: Path) -> None:
    """Without enough space, the last backup stays and nothing else does. Half a backup in its place would look
    complete, and half a backup next to it would fill the disk."""
    plain, target, key = tmp_path / "plain", tmp_path / "there" / "data.ruta", new_key()
    for folder in (plain, target.parent):
        folder.mkdir()
    (plain / "dump").write_bytes(b"yesterday")
    write_archive(plain, target, key, "data")
    before = target.read_bytes()
    (plain / "dump").write_bytes(os.urandom(3 << 20))
    with full_after(1 << 20), pytest.raises(StackError, match=r"no usable backup\. Free some"):
        write_archive(plain, target, key, "data")
    assert [path.name for path in target.parent.iterdir()] == ["data.ruta"]
    assert target.read_bytes() == before
    write_archive(plain, target, key, "data")
    read_archive(target, tmp_path / "back", key, "data")
    assert (tmp_path / "back" / "dump").read_bytes() == (plain / "dump").read_bytes()


def sealed_in_chunks(key: bytes, content: bytes) -> tuple[bytes, list[bytes]]:
    """Return the archive's header and its chunks with their lengths."""
    out = io.BytesIO()
    writer = SealingWriter(out, key, "data")
    writer.write(content)
    writer.finish()
    whole = out.getvalue()
    left, chunks = whole[len(MAGIC) :], []
    while left:
        size = 4 + int.from_bytes(left[:4], "big")
        chunks.append(left[:size])
        left = left[size:]
    return whole[: len(MAGIC)], chunks


@pytest.mark.parametrize(
    "order",
    [[1, 0, 2], [0, 1], [0, 2], [0, 0, 1, 2]],
    ids=["swapped", "cut off", "left out", "twice"],
)
def test_chunks_of_a_backup_open_in_their_order_and_to_the_last(order: list[int]) -> None:
    key, content = new_key(), os.urandom(2 << 20) + b"the end"
    head, chunks = sealed_in_chunks(key, content)
    assert len(chunks) == 3
    assert b"".join(opened(io.BytesIO(head + b"".join(chunks)), key, "data")) == content
    with pytest.raises(StackError, match="cannot be opened"):
        list(opened(io.BytesIO(head + b"".join(chunks[each] for each in order)), key, "data"))
