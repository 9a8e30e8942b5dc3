"""Which files of a backup belong to the keys, and which belong to a database."""

from pathlib import Path

import pytest
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.operate.backup import contents

from tests.support.full_disks import full_after


def test_a_list_that_is_gone_is_not_put_back_with_the_keys(tmp_path: Path) -> None:
    """A lost list is not restored with the keys, because an older list would say that nothing has ended since."""
    folder, layout = tmp_path / "backup", Layout(tmp_path / "stack")
    (folder / "keys").mkdir(parents=True)
    for name in ("signing.pem", "rights.jsonl"):
        (folder / "keys" / name).write_text("of the backup")
    assert contents.put_missing_keys(layout, folder) == ["keys/signing.pem"]
    assert not (layout.keys / "rights.jsonl").exists()


def test_where_rights_are_to_be_as_in_the_backup_their_list_begins_anew(tmp_path: Path) -> None:
    """If the backup's rights shall apply again, their list starts empty. The old list would end rights that are valid
    in the backup."""
    layout = Layout(tmp_path)
    (file, *_) = layout.rights_files
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("a line")
    contents.set_rights_aside(layout)
    assert not file.exists()
    assert file.with_suffix(".before").read_text() == "a line"


@pytest.mark.parametrize("name", ["secrets.json", "keys/signing.pem"])
def test_a_full_backup_disk_is_named_and_not_the_key_that_was_read(
    tmp_path: Path, name: str
) -> None:
    layout, folder = Layout(tmp_path / "stack"), tmp_path / "backup"
    folder.mkdir()
    file = layout.root / name
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(8192))
    with full_after(4096), pytest.raises(StackError) as told:
        contents.copy_keys(layout, folder)
    said = str(told.value)
    assert said.startswith(f"the keys could not be copied to {folder} (")
    assert "File too large" in said
