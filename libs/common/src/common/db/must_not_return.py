"""What must not come back with a restored backup: the one registry.

A row for each table of the services and for each happening that ends or moves who may read. It says what keeps its
ends: a list outside the machine (`LISTS`), the rows that a restore leaves in place, what a restore ends altogether,
what is done again with something else, or nothing, and why not. A table that has no row here fails the build.
"""

from dataclasses import dataclass
from functools import cache

from common.words.tables import rows

LISTS = ("tombstones", "restrictions", "rights")
"""The lists that leave the machine, each as `<name>.jsonl`: of the erased, of last words, of who may get in."""
_OTHERWISE = ("place", "ended", "again", "nothing")


@dataclass(frozen=True)
class Entry:
    """`thing`: a table, or a happening by its class. `kinds`: of the words in the list of restrictions."""

    database: str
    thing: str
    kept_by: str
    kinds: tuple[str, ...]
    why: str


@cache
def entries() -> tuple[Entry, ...]:
    """ValueError for a row that says neither what keeps its ends nor why nothing does."""
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
    """All that the list of restrictions has words for."""
    return frozenset(kind for entry in entries() for kind in entry.kinds)


def things(database: str, *, kept_by: str | None = None) -> frozenset[str]:
    return frozenset(
        each.thing
        for each in entries()
        if each.database == database and kept_by in (None, each.kept_by)
    )
