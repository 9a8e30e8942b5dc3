"""Secrets have no defaults and may not be weak. Production refuses the embedded stack's secrets."""

import base64
from pathlib import Path

import pytest
from common import EMBEDDED_MARK
from common.settings import ServiceSettings, explain
from pydantic import ValidationError

GOOD = {
    "database_url": "postgresql+asyncpg://app:0123456789abcdef@db/directory",
    "nats_password": "0123456789abcdef0123",
    "internal_jwks_file": __file__,  # Any file works, because the process reads it only later.
    "stored_result_key": base64.b64encode(b"k" * 32).decode(),
}


def _set(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in {**GOOD, **values}.items():
        monkeypatch.setenv(f"RUTA_{name.upper()}", value)


def _refusal() -> str:
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    return explain(caught.value)


def test_complete_settings_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch)
    assert ServiceSettings().environment == "production"


def test_a_missing_secret_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch)
    monkeypatch.delenv("RUTA_NATS_PASSWORD")
    assert "RUTA_NATS_PASSWORD: is missing" in _refusal()


def test_a_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, nats_password="short")
    assert "RUTA_NATS_PASSWORD is shorter" in _refusal()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("public_url", "ruta.example", "must be an http or https address"),
        ("otlp_endpoint", "collector:4318", "must be an http or https address"),
        ("database_url", "mysql://app:hunter2@db/directory", "must begin with postgresql+asyncpg"),
        ("internal_jwks_file", "/nowhere.json", "does not point to a file"),
        ("port", "70000", "less than or equal to 65535"),
        ("home_timezone", "Caracas", "such as America/Caracas"),
    ],
)
def test_a_value_of_the_wrong_form_is_named_and_explained(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    _set(monkeypatch, **{name: value})
    said = _refusal()
    assert said.startswith(f"RUTA_{name.upper()}: ")
    assert words in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "secret",
    [EMBEDDED_MARK + "0123456789", base64.b64encode(EMBEDDED_MARK.encode() + b"x" * 18).decode()],
)
def test_a_secret_of_the_embedded_stack_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    _set(monkeypatch, nats_password=secret)
    assert "embedded stack" in _refusal()
    monkeypatch.setenv("RUTA_ENVIRONMENT", "embedded")
    assert ServiceSettings().nats_password.get_secret_value() == secret


def test_the_test_clock_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _set(monkeypatch, clock_file=str(tmp_path / "clock"))
    assert "RUTA_CLOCK_FILE" in _refusal()


def test_the_explanation_never_shows_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, nats_password="hunter2", port="nine")
    assert "hunter2" not in _refusal()
