"""The output generated from a running deployment's own description, and what it must not contain."""

import re

import pytest

from tests.support.system import System

pytestmark = pytest.mark.system


def test_the_description_holds_no_control_character(system: System) -> None:
    """A raw NUL in a pattern becomes a syntax error in generated clients."""
    text = system.running.http.get("/openapi.json").text
    assert not re.findall(r"\\u00[01][0-9a-f]", text)


def test_each_service_has_a_description_of_its_own(system: System) -> None:
    whole = system.running.http.get("/openapi.json").json()
    paths: dict[str, object] = {}
    for service in ("directory", "referrals", "reporting", "issuer"):
        part = system.running.http.get(f"/openapi/{service}.json").json()
        assert 0 < len(part["paths"]) < len(whole["paths"])
        paths |= part["paths"]
    assert paths.keys() == whole["paths"].keys()
    assert system.running.http.get("/openapi/console.json").status_code == 404
