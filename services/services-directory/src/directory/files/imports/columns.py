"""The service-mapping workbook's columns: keys, headers in both languages, HXL tags. The table is `data/columns.csv`;
template, import, export and HXL all use it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from common.words import codelists
from common.words.codelists import Code, CodeList
from common.words.places import folded
from common.words.tables import by_language, rows


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `kind`: text, texts, uuid, code, codes, place, places, country, countries, number, age, date, yes_no,
    email, url or hours. `;` separates several values in one cell."""

    key: str
    kind: str
    codelist: str
    required: bool
    headers: Mapping[str, str]
    hxl: str
    also: tuple[str, ...]
    helps: Mapping[str, str]

    def header(self, language: str = "es") -> str:
        return self.headers[language]

    def help(self, language: str = "es") -> str:
        return self.helps[language]

    def codes(self) -> CodeList[Code] | None:
        return code_list(self.codelist) if self.codelist else None


@cache
def columns() -> tuple[Column, ...]:
    return tuple(
        Column(
            key=row["key"],
            kind=row["kind"],
            codelist=row["codelist"],
            required=row["required"] == "yes",
            headers=by_language(row, ""),
            hxl=row["hxl"],
            also=tuple(filter(None, row["also"].split(";"))),
            helps=by_language(row, "help"),
        )
        for row in rows("directory.files.imports", "data/columns")
    )


@cache
def code_list(name: str) -> CodeList[Code]:
    """Return a shared list, a referral attribute, or a list that only cells use."""
    if name in codelists.referral_attributes():
        return codelists.referral_attributes()[name]
    if name in ("capacity_states", "provider_levels", "location_types", "sexes"):
        return _cell_codes(name)
    found: CodeList[Code] = getattr(codelists, name)()
    return found


def _cell_codes(name: str) -> CodeList[Code]:
    entries = {
        row["code"]: Code(row["code"], by_language(row))
        for row in rows("directory.files.imports", "data/cell_codes")
        if row["list"] == name
    }
    return CodeList(name, entries)


@cache
def _by_header() -> Mapping[str, Column]:
    """Return columns by folded header. Main headers take precedence over alternative ones, and earlier columns over
    later ones."""
    found: dict[str, Column] = {}
    for names in (_main_headers, _other_headers):
        for column in columns():
            for name in names(column):
                found.setdefault(folded(name), column)
    return found


def _main_headers(column: Column) -> tuple[str, ...]:
    return (*column.headers.values(), column.key)


def _other_headers(column: Column) -> tuple[str, ...]:
    return column.also


def by_header(header: str) -> Column | None:
    """Return the column for a header in Spanish or English, or for a key. Ignore accents, case and `*`."""
    return _by_header().get(folded(header.rstrip().rstrip("*").rstrip()))


def by_tag(tag: str) -> Column | None:
    """Return the column for an HXL tag. The tag's attributes may have any order and include additional ones (`#adm1
    +name +es`). The column must not have an attribute that the tag lacks; the column with the most attributes wins."""
    base, attributes = split_tag(tag)
    best: tuple[int, Column] | None = None
    for column in columns():
        own_base, own = split_tag(column.hxl)
        if own_base == base and own <= attributes and (best is None or len(own) > best[0]):
            best = (len(own), column)
    if base == "#date" and "hours" in attributes:
        return by_header("hours")  # the tag in older exports; HXL reserves #date for dates
    if best is not None:
        return best[1]
    return by_header(_PLAIN_TAGS[base]) if base in _PLAIN_TAGS else None


# Plain HXL tags without attributes, as used in other organisations' service lists.
_PLAIN_TAGS = {
    "#org": "organisation",
    "#service": "name",
    "#adm1": "admin1",
    "#adm2": "admin2",
    "#adm3": "admin3",
    "#loc": "location_name",
    "#sector": "categories",
    "#subsector": "categories",
    "#activity": "name",
    "#status": "functional_status",
    "#country": "country",
    "#description": "description",
    "#contact": "phone",
    "#access": "visibility",
    "#capacity": "capacity_state",
}


def split_tag(tag: str) -> tuple[str, frozenset[str]]:
    """Split a tag, ignoring case: `#adm1 +code+v_pcode` → ("#adm1", {"code", "v_pcode"})."""
    base, *attributes = (part.strip().lower() for part in tag.split("+"))
    return base, frozenset(filter(None, attributes))


_TAG = re.compile(r"#\w+(?:\s*\+\s*\w+)*", re.ASCII)


def is_tag_row(cells: Iterable[str]) -> bool:
    """Return whether the row contains only tags and empty cells, and at least two tags."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) >= 2 and all(_TAG.fullmatch(cell) for cell in filled)


def recognised(headers: Sequence[str], *, hxl: bool) -> list[Column | None]:
    return [by_tag(each) if hxl else by_header(each) for each in headers]


def is_header_row(cells: Sequence[str]) -> bool:
    """Return whether the cells include the required columns."""
    keys = {column.key for column in recognised(cells, hxl=False) if column}
    return {column.key for column in columns() if column.required} <= keys
