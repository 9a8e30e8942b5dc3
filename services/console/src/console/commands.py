"""API commands as forms: their fields, and the request body built from them. Pure. Field names begin with the command's
name, so that several forms fit on one page. The catalogues list their labels and choices under the same names."""

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from console import written_dates
from console.forms import Typed, body

_WRITTEN = {"date": written_dates.day, "clock": written_dates.clock}


@dataclass(frozen=True)
class Field:
    """A form field. `kind` is choice or pick (one of), several (any of), place, text, area, date, moment, number,
    clock, agreed (a checkbox) or given (by the page, not a person). `codes` are the choices; if empty, the page
    supplies them. `most` is the maximum number of characters, which the page counts."""

    name: str
    kind: str
    codes: tuple[str, ...] = ()
    most: int = 0


@dataclass(frozen=True)
class Command:
    """An API command. `path` has placeholders for the page's ids."""

    name: str
    path: str
    fields: tuple[Field, ...] = ()
    method: str = "post"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}/{_written(each)}" for each in self.fields)

    @property
    def chosen(self) -> frozenset[str]:
        """Return the names of fields that contain a chosen code."""
        return frozenset(f"{self.name}/{_written(each)}" for each in self.fields if each.codes)

    def made(self, typed: Typed, *, offset: str) -> dict[str, Any]:
        """Return the request body. `offset` is the local UTC offset, for times that people type."""
        numbers = [f"{self.name}/{each.name}" for each in self.fields if _numeric(each)]
        found: dict[str, Any] = dict(body(typed, self.names, numbers=numbers).get(self.name, {}))
        for each in self.fields:
            value = found.get(each.name)
            if each.kind == "agreed":
                found[each.name] = value == "true"
            elif each.kind == "moment" and isinstance(value, str):
                found[each.name] = f"{written_dates.moment(value)}:00{offset}"
            elif each.kind in _WRITTEN and isinstance(value, str):
                found[each.name] = _WRITTEN[each.kind](value)
            elif each.kind == "several" and self.method == "put":
                found.setdefault(each.name, [])  # a list in a form replaces the whole stored list
        return found


def _written(each: Field) -> str:
    return f"{each.name}[]" if each.kind == "several" else each.name


def _numeric(each: Field) -> bool:
    return each.kind == "number" or each.name == "expected_version"


def key_of(key: str, content: object) -> str:
    """Return the idempotency key for one command of a form, derived from its content. Resubmitting the same form acts
    once; a corrected form acts again."""
    return str(uuid5(NAMESPACE_URL, f"{key}\n{orjson.dumps(content).decode()}"))
