"""The registry of everything that a restored backup must not bring back.

It has a row for each table of the services, and for each happening that ends or moves somebody's access. The row names
what preserves the end: a list outside the machine (`LISTS`), rows that a restore leaves in place, a full reset by the
restore, a repeated action, or nothing (with the reason). A table without a row fails the build.
"""

from dataclasses import dataclass
from functools import cache

from common.words.tables import rows

LISTS = ("tombstones", "restrictions", "rights")
"""The lists outside the machine, each as `<name>.jsonl`: erased people, restrictions, and rights."""
_OTHERWISE = ("place", "ended", "again", "nothing")


@dataclass(frozen=True)
class Entry:
    """A row of the registry. `thing` is a table or a happening class. `kinds` are the kinds of entries in the
    restriction list."""

    database: str
    thing: str
    kept_by: str
    kinds: tuple[str, ...]
    why: str


@cache
def entries() -> tuple[Entry, ...]:
    """Return all rows. Raise ValueError for a row that neither names what preserves its end nor gives a reason."""
    found = []
    for row in rows(__package__, "must_not_return"):
        kinds = tuple(row.pop("kinds").split())
        entry = Entry(kinds=kinds, **row)
        known = entry.kept_by in (*LISTS, *_OTHERWISE)
        reasoned = entry.kept_by not in ("again", "nothing") or bool(entry.why)
        if not known or not reasoned or bool(kinds) != (entry.kept_by == "restrictions"):
            raise ValueError(
                f"{entry.database}, {entry.thing}: say what keeps its ends, or why not"
            )
        found.append(entry)
    return tuple(found)


def kinds() -> frozenset[str]:
    return frozenset(kind for entry in entries() for kind in entry.kinds)


def things(database: str, *, kept_by: str | None = None) -> frozenset[str]:
    return frozenset(
        each.thing
        for each in entries()
        if each.database == database and kept_by in (None, each.kept_by)
    )
