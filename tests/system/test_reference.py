"""What a running deployment's own description generates, and what it must not contain."""

import re

import pytest

from tests.support.system import System

pytestmark = pytest.mark.system


def test_the_description_holds_no_control_character(system: System) -> None:
    """A raw NUL in a pattern becomes a syntax error in generated clients."""
    text = system.running.http.get("/openapi.json").text
    assert not re.findall(r"\\u00[01][0-9a-f]", text)
