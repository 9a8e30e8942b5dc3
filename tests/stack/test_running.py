"""Whose credentials a command shows to which gateway."""

from pathlib import Path

import pytest
from stack.embedded.connection import SECRET_VARIABLE, TOKEN_VARIABLE, connect
from stack.errors import StackError

_ELSEWHERE = "https://ruta.example.org"


def test_elsewhere_a_command_has_what_its_environment_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "of a client")
    assert connect(tmp_path, _ELSEWHERE).secret("admin") == "of a client"
    monkeypatch.setenv(TOKEN_VARIABLE, "given")
    assert connect(tmp_path, _ELSEWHERE).token("admin") == "given"


def test_without_anything_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    with pytest.raises(
        StackError, match=f"{SECRET_VARIABLE} holds its secret, or {TOKEN_VARIABLE}"
    ):
        connect(tmp_path, _ELSEWHERE).secret("admin")


def test_the_stack_here_is_shown_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "of a client")
    monkeypatch.setattr("stack.embedded.connection.running_state", lambda _: _Here())
    with pytest.raises(StackError, match="no demo client"):
        connect(tmp_path).secret("admin")


class _Here:
    url = "http://127.0.0.1:8080"
