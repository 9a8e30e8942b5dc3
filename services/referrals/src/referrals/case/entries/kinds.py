"""The entry kinds of a case record, one row each in `codelists/entry_kinds.csv`. Pure.

A row defines which fields an entry needs and allows, who writes it, whether it can change, and whether it stays with
its author's organisation when the case moves.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from common.auth import Principal, Role
from common.errors import FORBIDDEN, INVALID, FieldError
from common.words.choices import words
from common.words.codelists import rows
from common.words.details import Detail

FILE = "file"


@dataclass(frozen=True)
class EntryKind:
    """A kind of entry. `ends`: somebody marks it as done. `again`: a new entry replaces an open one. `stays`: the next
    holder of the case cannot read it."""

    code: str
    needs: tuple[str, ...]
    may: tuple[str, ...]
    changes: bool
    ends: bool
    again: bool
    by: frozenset[Role]
    stays: bool

    def refuse_unless_complete(self, given: Collection[str]) -> None:
        """Raise 422 with each field that is missing or not allowed for this kind."""
        missing, odd = "entry_needs_this_field", "this_kind_of_entry_has_no_such_field"
        wrong = [
            *((name, missing, "missing") for name in self.needs if name not in given),
            *((n, odd, "extra_forbidden") for n in sorted({*given} - {*self.needs, *self.may})),
        ]
        if wrong:
            errors = [FieldError.of(f"/{n}", Detail.of(said), code) for n, said, code in wrong]
            raise INVALID.listing(errors)

    def refuse_unless_writer(self, caller: Principal) -> None:
        if self.by and not self.by & caller.roles:
            roles = sorted(self.by)
            raise FORBIDDEN.because("only_supervisor_writes_this", needed_roles=roles)


def _kind(code: str, row: Mapping[str, str]) -> EntryKind:
    return EntryKind(
        code=code,
        needs=tuple(row["needs"].split()),
        may=tuple(row["may"].split()),
        changes=bool(row["changes"]),
        ends=bool(row["ends"]),
        again=bool(row["again"]),
        by=frozenset(map(Role, row["by"].split())),
        stays=bool(row["stays"]),
    )


KINDS = {code: _kind(code, row) for code, row in words("entry_kinds").items()}
STAYING = [kind.code for kind in KINDS.values() if kind.stays]
OF_FAMILY = "relative"
_INVERSE = {row["code"]: row["inverse"] for row in rows("entry_codes") if row["list"] == "relation"}


def other_way(relation: str) -> str:
    """Return the inverse of a family relation, such as child for parent."""
    return _INVERSE[relation]


def may_take_back(caller: Principal, written_by: str) -> bool:
    """Return whether the caller may take the entry back. Its author and supervisors may."""
    return written_by == caller.subject or Role.SUPERVISOR in caller.roles


def given_fields(content: Mapping[str, Any]) -> set[str]:
    return {name for name, value in content.items() if value is not None}
