"""What is made from the running deployment's own description, and what that must not hold."""

import json
import re
from pathlib import Path

import pytest

from tests.support.system import System

pytestmark = pytest.mark.system


def test_the_description_holds_no_control_character(system: System) -> None:
    """A raw NUL in a pattern is a syntax error in what generators write."""
    text = system.running.http.get("/openapi.json").text
    assert not re.findall(r"\\u00[01][0-9a-f]", text)


def test_the_postman_collection_has_every_operation(system: System, tmp_path: Path) -> None:
    out = tmp_path / "collection.json"
    system.ruta("reference", "postman", "--out", str(out))
    made = json.loads(out.read_text())
    document = system.description()
    operations = sum(len(item) for item in document["paths"].values())
    assert sum(len(folder["item"]) for folder in made["item"]) == operations
