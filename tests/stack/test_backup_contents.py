"""Which files go with the keys of a backup, and which with a database."""

from pathlib import Path

from stack.embedded.layout import Layout
from stack.operate.backup import contents


def test_a_list_that_is_gone_is_not_put_back_with_the_keys(tmp_path: Path) -> None:
    """An older one in its place would say that nothing had ended since."""
    folder, layout = tmp_path / "backup", Layout(tmp_path / "stack")
    (folder / "keys").mkdir(parents=True)
    for name in ("signing.pem", "rights.jsonl"):
        (folder / "keys" / name).write_text("of the backup")
    assert contents.put_missing_keys(layout, folder) == ["keys/signing.pem"]
    assert not (layout.keys / "rights.jsonl").exists()


def test_where_rights_are_to_be_as_in_the_backup_their_list_begins_anew(tmp_path: Path) -> None:
    """It would end again what the backup has in force."""
    layout = Layout(tmp_path)
    (file, *_) = layout.rights_files
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("a line")
    contents.set_rights_aside(layout)
    assert not file.exists()
    assert file.with_suffix(".before").read_text() == "a line"
