"""Lines of many processes on one terminal and in one file."""

from pathlib import Path

import pytest
from stack.embedded.terminal import Console


def test_what_a_program_prints_is_no_command_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(tmp_path / "logs" / "ruta.log")
    console.line("directory", "año\t\x1b[2J\x07\r← listo")
    console.close()
    assert capsys.readouterr().err == "directory │ año\t[2J← listo\n"
