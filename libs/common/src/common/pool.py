"""A pool that hands out the connection that it has had longest.

So no more connections are used than are needed at once, and only these hold prepared statements. In any other
order each connection gets its turn, and the server parses and plans everything on all of them.
"""

import asyncio
import logging
from itertools import count
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import memoized_property
from sqlalchemy.util.queue import AsyncAdaptedQueue

# Each time that it is emptied SQLAlchemy's pool says so, under the name of this module.
logging.getLogger(__name__).setLevel(logging.WARNING)
_NUMBER = "number"
_numbers = count()


class _ByAge(asyncio.PriorityQueue[Any]):
    def _put(self, item: ConnectionPoolEntry) -> None:
        # One that was opened anew forgot its number with all it knew.
        super()._put((item.info.setdefault(_NUMBER, next(_numbers)), item))

    def _get(self) -> ConnectionPoolEntry:
        entry: ConnectionPoolEntry = super()._get()[1]
        return entry


class _Adapted(AsyncAdaptedQueue[ConnectionPoolEntry]):
    @memoized_property
    def _queue(self) -> Any:  # when it is first used, as the one above: in the loop that uses it
        return _ByAge(self.maxsize)


class OldestFirst(AsyncAdaptedQueuePool):
    _queue_class = _Adapted
