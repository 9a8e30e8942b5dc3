"""The API rejects every JSON body with a duplicate member, so a body has only one meaning."""

import json
from collections.abc import AsyncIterator

import orjson
import pytest
from common.json_once import RepeatedName, loads, refuse_repeated_names
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from tests.support.principals import keyed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_whatever_names_each_member_once_is_read_as_it_is(value: object) -> None:
    assert loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a":1,"a":1}', ("a",)),
        ('{"a":1,"\\u0061":2}', ("a",)),
        ('[{"b":[0,{"c":1,"c":null}]}]', (0, "b", 1, "c")),
        ('{"a":{"x":1},"a":{"x":1,"x":2}}', ("a",)),
        ('{"":1,"":2}', ("",)),
    ],
)
def test_a_member_that_is_named_twice_is_found(text: str, path: tuple[object, ...]) -> None:
    with pytest.raises(RepeatedName) as found:
        loads(text)
    assert found.value.path == path


@pytest.mark.parametrize("text", ["", "{", "nan", "{'a':1}", "[" * 100_000])
def test_what_is_no_json_is_left_to_its_reader(text: str) -> None:
    refuse_repeated_names(text)
    with pytest.raises(orjson.JSONDecodeError):
        loads(text)


def test_what_is_repeated_very_deep_is_refused_all_the_same() -> None:
    for deep in (100, 900, 1_015):
        text = '{"a":' * deep + '{"b":1,"b":2}' + "}" * deep
        with pytest.raises(RepeatedName):
            refuse_repeated_names(text)
    with pytest.raises(ValueError):  # noqa: PT011 - twice, or deeper than anybody reads: by the Python that runs
        loads('{"a":' * 5_000 + '{"b":1,"b":2}' + "}" * 5_000)


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/fhir+json", "text/plain", ""]
)
async def test_a_body_that_says_something_twice_is_400_and_changes_nothing(
    api: AsyncClient, content_type: str
) -> None:
    headers = keyed({"Content-Type": content_type})
    body = b'{"text": "one", "size": 1, "text": "other"}'
    answer = await api.post("/sample/v1/notes", content=body, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "bad_request")
    assert problem["pointer"] == "/text"
    assert (await api.get("/sample/v1/notes/count")).json() == {"count": 0}


async def test_a_name_that_a_person_may_stand_in_is_not_repeated(api: AsyncClient) -> None:
    body = b'{"text": {"Maria Rivas": 1, "Maria Rivas": 2}}'
    headers = keyed({"Content-Type": "application/json"})
    answer = await api.post("/sample/v1/notes", content=body, headers=headers)
    assert answer.status_code == 400
    assert "Maria" not in answer.text


async def test_a_body_in_pieces_arrives_whole(api: AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"te', b'xt": "in pie', b'ces"}'):
            yield piece

    headers = keyed({"Content-Type": "application/json"})
    answer = await api.post("/sample/v1/notes", content=pieces(), headers=headers)
    assert answer.status_code == 201, answer.text


async def test_a_body_in_pieces_that_is_too_large_is_413(api: AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3_000):
            yield orjson.dumps(["x" * 1000])

    headers = keyed({"Content-Type": "application/json"})
    answer = await api.post("/sample/v1/notes", content=pieces(), headers=headers)
    assert answer.status_code == 413
