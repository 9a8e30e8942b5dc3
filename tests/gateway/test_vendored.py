"""Vendored files equal the published ones and include their licence."""

import hashlib
import re
from importlib.resources import files

FOLDER = files("gateway.front") / "vendored"
ROW = re.compile(r"^\| (\S+) \| .*? \| .*?\((\S+)\) \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_each_is_the_published_one_and_its_licence_lies_beside_it() -> None:
    rows = ROW.findall((FOLDER / "README.md").read_text())
    assert rows
    for name, licence, digest in rows:
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name
        assert "Permission is hereby granted" in (FOLDER / licence).read_text()
    kept = {name for name, _, _ in rows} | {licence for _, licence, _ in rows}
    assert {file.name for file in FOLDER.iterdir()} == kept | {"README.md"}
