"""Fixtures of the pathway tests."""

from tests.services.directory.pathways.fixtures import scenario

__all__ = ["scenario"]
