"""A test without something that this machine lacks: left out here, a failure in the CI."""

import os
from typing import NoReturn

import pytest


def left_out(reason: str) -> NoReturn:
    """Skip with the reason; where `CI` is set fail, because the CI installs what it needs."""
    if os.environ.get("CI"):
        pytest.fail(f"the CI leaves nothing out: {reason}")
    pytest.skip(reason)
