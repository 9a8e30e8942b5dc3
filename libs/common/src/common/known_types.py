"""Connections that ask PostgreSQL once for each process, not each for itself, what its own array types are made of.

asyncpg knows `uuid` and `text[]`, but for `uuid[]` it searches the catalogue, in a statement that takes the server some
10 ms to plan: more than all else about a new connection.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import asyncpg

_FIRST_OF_OURS = 16_384
"""PostgreSQL's FirstNormalObjectId: what has a lower id is the same in each database of a release."""


class _Earlier(NamedTuple):
    """The statement by which it was asked: one with a name displaces none that has none."""

    name: str = "earlier"


_KNOWN: dict[tuple[int, frozenset[int]], Any] = {}


class Connection(asyncpg.Connection):
    """A driver's connection. Types that somebody made are asked for as before."""

    async def _introspect_types(
        self,
        typeoids: Iterable[int],
        timeout: float | None,  # noqa: ASYNC109 - the driver's
    ) -> Any:
        asked = (self.get_server_version().major, frozenset(typeoids))
        if max(asked[1]) >= _FIRST_OF_OURS:
            return await super()._introspect_types(asked[1], timeout)  # type: ignore[misc]  # stubs leave it out
        if asked in _KNOWN:
            return _KNOWN[asked], _Earlier()
        _KNOWN[asked], statement = await super()._introspect_types(asked[1], timeout)  # type: ignore[misc]  # as above
        return _KNOWN[asked], statement
