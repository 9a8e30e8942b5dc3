"""Fixtures that render each overlay once per run."""

import pytest
from stack.operate.cluster.check import OVERLAYS

from tests.support.rendered_world import Documents, documents_of


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def documents(overlay: str) -> Documents:
    return documents_of(overlay)
