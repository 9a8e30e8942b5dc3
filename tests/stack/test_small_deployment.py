"""On a machine with deploy/run-small, commands for an embedded stack are refused before they change anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from stack.embedded.layout import Layout


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("keys", "rotate"), "in two phases"),
        (("keys", "accept", "key-encryption-keys", "--give-up-cases"), "as on a cluster"),
        (("up",), "deploy/run-small up"),
    ],
    ids=("rotate", "accept", "up"),
)
def test_it_is_refused_and_nothing_is_made(
    tmp_path: Path, command: tuple[str, ...], told: str
) -> None:
    Layout(tmp_path).overlay_file.write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "stack", *command, "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    # The output must be one line, because a traceback would show the same words in its code.
    assert re.fullmatch(
        rf"ruta: deploy/run-small runs {re.escape(str(tmp_path))}: .*{told}.*\n", done.stderr
    )
    assert done.returncode == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"overlay.yaml", "lock"}
