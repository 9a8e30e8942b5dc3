"""One node at a time: the pods of both overlays use the same addresses."""

import pytest

from drills.node.machine import need_tools


@pytest.fixture(scope="package", autouse=True)
def machine() -> None:
    """Keep all tests of this folder on one worker (tests/support/selection.py)."""
    need_tools()
