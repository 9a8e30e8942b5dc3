"""Paging through a list returns every entry once. The service accepts only cursors that it issued."""

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from common.errors import Problem
from common.paging import (
    Reader,
    day_in,
    encode_cursor,
    id_in,
    keys_in,
    moment_in,
    number_in,
    numeral_in,
    page_of,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_walking_the_pages_meets_each_row_once(count: int) -> None:
    rows = [SimpleNamespace(day=number // 2, id=UUID(int=number)) for number in range(count)]
    seen: list[UUID] = []
    cursor = None
    while True:
        after = keys_in(cursor, number_in, id_in)
        rest = [row for row in rows if after is None or (row.day, row.id) > after]
        page = page_of(rest[:3], 2, lambda row: row.id, lambda row: (row.day, row.id))
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == 2
    assert seen == [row.id for row in rows]


def test_a_moment_without_a_zone_is_read_as_utc() -> None:
    cursor = encode_cursor("2026-05-24T08:00:00")
    assert keys_in(cursor, moment_in) == (datetime(2026, 5, 24, 8, tzinfo=UTC),)


@pytest.mark.parametrize(
    ("cursor", "reader"),
    [
        ("", str),
        ("ñ", str),
        ("not base64!", str),
        (encode_cursor(), str),
        (encode_cursor("a", "b"), str),
        ("bnVsbA", str),  # null
        ("MQ", str),  # 1
        (encode_cursor("no id"), id_in),
        (encode_cursor(None), id_in),
        (encode_cursor("1"), number_in),
        (encode_cursor(2**63), number_in),
        (encode_cursor("-1"), numeral_in),
        (encode_cursor(str(2**63)), numeral_in),
        (encode_cursor([]), numeral_in),
        (encode_cursor("2026-13-01"), day_in),
        (encode_cursor("yesterday"), moment_in),
        (encode_cursor("nowhere"), {"here": 1}.__getitem__),
    ],
)
def test_a_made_up_cursor_is_refused_as_one(cursor: str, reader: Reader[Any]) -> None:
    with pytest.raises(Problem) as refused:
        keys_in(cursor, reader)
    assert refused.value.kind.code == "bad_cursor"


def test_cursors_are_read_in_one_place() -> None:
    named = {
        str(file.relative_to(ROOT))
        for folder in ("libs", "stack", "gateway", "services")
        for file in (ROOT / folder).rglob("src/**/*.py")
        if re.search(r"\bBAD_CURSOR\b", file.read_text(encoding="utf-8"))
    }
    assert named == {"libs/common/src/common/errors.py", "libs/common/src/common/paging.py"}
