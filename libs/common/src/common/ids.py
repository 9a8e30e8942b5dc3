"""Identifiers: UUIDv7, so that rows of a table arrive in index order."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
