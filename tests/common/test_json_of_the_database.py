"""The database stores and returns JSON as Python's `json` writes and reads it."""

import json
import math
import random
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.db.session import Database, _from_json, _to_json
from sqlalchemy.dialects.postgresql import JSONB

from tests.common import sample


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Point(NamedTuple):
    x: float
    y: float


@dataclass
class Held:
    name: str


def deep(levels: int) -> Any:
    found: Any = []
    for _ in range(levels):
        found = [found]
    return found


VALUES: list[Any] = [
    {"b": 1, "a": [True, False, "ñandú 🙂", "\u2028\x00\x7f\"\\/"]},
    [0.1, 1e16, 1e-7, 1e22, 5e-324, -0.0, 10.480600000000001, 3.0],
    [2**53 + 1, 2**63, 2**64, -(2**70)],
    {"id": UUID(int=7), "on": date(2026, 11, 29), "at": datetime(2026, 11, 29, 8, 5, tzinfo=UTC)},
    {"amount": Decimal("1.50"), "colour": Colour.RED, "size": Size.SMALL, "point": Point(1.0, 2.5)},
    [Held("x"), {"y"}, b"z", (1, (2,)), OrderedDict(z=1, a=2)],
    {1: "one", 2.5: "two", False: "three", Colour.RED: 4},
    {None: 1}, None, [None, {"a": None}], "null", "", [], {},
    deep(260),
]  # fmt: skip


def as_json_does(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


@pytest.mark.parametrize("value", VALUES)
def test_what_is_written_says_the_same(value: Any) -> None:
    written = _to_json(value)
    assert repr(json.loads(written)) == repr(json.loads(as_json_does(value)))
    assert repr(_from_json(written)) == repr(json.loads(written))


def test_numbers_are_the_same_to_the_last_digit() -> None:
    chance = random.Random(29)  # noqa: S311 - no secret
    numbers = [round(chance.uniform(-180, 180), chance.randrange(18)) for _ in range(2_000)]
    numbers += [math.ldexp(chance.random(), chance.randrange(-1_000, 1_000)) for _ in range(2_000)]
    assert json.loads(_to_json(numbers)) == numbers
    assert _from_json(as_json_does(numbers)) == numbers


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [1, -math.inf]}])
def test_what_is_no_number_stays_none_instead_of_becoming_a_null(value: Any) -> None:
    assert _to_json(value) == as_json_does(value)


def test_a_key_that_json_does_not_know_is_still_an_error() -> None:
    with pytest.raises(TypeError):
        _to_json({(1, 2): "x"})


@pytest.mark.parametrize("text", ["1e400", "123456789012345678901234567890", "[" * 300 + "]" * 300])
def test_what_is_long_or_deep_is_read_as_json_reads_it(text: str) -> None:
    assert repr(_from_json(text)) == repr(json.loads(text))


async def test_postgresql_gives_back_what_it_got_and_refuses_what_is_no_number(
    settings: sample.Settings,
) -> None:
    database = Database.at(settings.database_url.get_secret_value(), name="json")
    echo = sa.select(sa.bindparam("value", type_=JSONB))
    given = {"a": [1.5, 2**70, "ñ", None, {}], "b": -0.001}
    try:
        async with database.transaction() as session:
            assert await session.scalar(echo, {"value": given}) == given
        with pytest.raises(sa.exc.DBAPIError, match="NaN"):
            async with database.transaction() as session:
                await session.scalar(echo, {"value": {"a": math.nan}})
    finally:
        await database.close()
