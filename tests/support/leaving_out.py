"""Skips tests that need something missing on this machine; in CI they fail instead."""

import os
from typing import NoReturn

import pytest


def left_out(reason: str) -> NoReturn:
    """Skip with the reason, or fail if `CI` is set, because CI installs what the tests need."""
    if os.environ.get("CI"):
        pytest.fail(f"the CI leaves nothing out: {reason}")
    pytest.skip(reason)
