"""Every header and tag of the workbook finds its own column."""

import pytest
from common.words.languages import LANGUAGES
from directory.files.imports.columns import by_header, by_tag, columns, is_tag_row, split_tag


def test_every_header_and_tag_finds_its_own_column() -> None:
    for column in columns():
        for header in (
            *column.headers.values(),
            column.key,
            column.header("es").upper(),
            f"{column.header('en')} *",
        ):
            assert by_header(header) == column, header
        assert by_tag(column.hxl) == column


def test_keys_headers_and_tags_are_unique() -> None:
    for values in (
        [column.key for column in columns()],
        [column.hxl for column in columns()],
        *([column.header(language) for column in columns()] for language in LANGUAGES),
    ):
        assert len(set(values)) == len(values), values


@pytest.mark.parametrize("column", columns(), ids=lambda column: column.key)
def test_code_columns_have_their_list(column: object) -> None:
    from directory.files.imports.columns import Column

    assert isinstance(column, Column)
    codes = column.codes()
    assert (codes is not None) == (column.kind in ("code", "codes"))
    assert len({bool(text) for text in column.helps.values()}) == 1


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
