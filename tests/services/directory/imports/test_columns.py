"""The workbook's columns: every header and tag finds its own column."""

import pytest
from directory.files.imports.columns import by_header, by_tag, columns, is_tag_row, split_tag


def test_every_header_and_tag_finds_its_own_column() -> None:
    for column in columns():
        for header in (column.es, column.en, column.key, column.es.upper(), f"{column.en} *"):
            assert by_header(header) == column, header
        assert by_tag(column.hxl) == column


def test_keys_headers_and_tags_are_unique() -> None:
    for attribute in ("key", "es", "en", "hxl"):
        values = [getattr(column, attribute) for column in columns()]
        assert len(set(values)) == len(values), attribute


@pytest.mark.parametrize("column", columns(), ids=lambda column: column.key)
def test_code_columns_have_their_list(column: object) -> None:
    from directory.files.imports.columns import Column

    assert isinstance(column, Column)
    codes = column.codes()
    assert (codes is not None) == (column.kind in ("code", "codes"))
    assert bool(column.help_es) == bool(column.help_en)


@pytest.mark.parametrize(
    ("tag", "key"),
    [
        ("#adm1 +name +es", "admin1"),
        ("#ADM2+NAME", "admin2"),
        ("#org", "organisation"),
        ("#service+name", "name"),
        ("#geo +lat +num", "latitude"),
        ("#sector", "categories"),
        ("#affected", None),
    ],
)
def test_tags_in_the_wild_are_understood(tag: str, key: str | None) -> None:
    column = by_tag(tag)
    assert (column.key if column else None) == key


def test_a_tag_row_is_tags_only() -> None:
    assert is_tag_row(["#org+name", "", "#service +name"])
    assert not is_tag_row(["#org+name", "Organización"])
    assert not is_tag_row(["#org"])
    assert split_tag("#Geo +Lat") == ("#geo", frozenset({"lat"}))
