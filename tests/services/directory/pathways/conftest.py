"""Fixtures of the pathway tests."""

from tests.services.directory.pathways.fixtures import (
    database,
    migrated,
    pathways_client,
    scenario,
)

__all__ = ["database", "migrated", "pathways_client", "scenario"]
