"""What is compressed, in which coding, and what is sent as it is."""

import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from backports import zstd
from services_directory.reading.compression import LEAST_BYTES, Compressing, coding_of
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

OPEN: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.decompress,
    "gzip": lambda body: zlib.decompress(body, wbits=31),
}
LONG = b'{"name": "Casa de abrigo"}\n' * 200


@pytest.mark.parametrize(
    ("asked", "coding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("GZIP;q=0.5", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=x", None),
        ("br", None),
        ("identity", None),
        ("", None),
    ],
)
def test_the_best_that_is_welcome(asked: str, coding: str | None) -> None:
    assert coding_of(asked) == coding


async def _answer(request: Request) -> Response:
    kind = request.query_params["kind"]
    body = LONG if "long" in request.query_params else LONG[: LEAST_BYTES - 1]
    headers = {"Vary": "Authorization"} | (
        {"Content-Encoding": "br"} if "coded" in request.query_params else {}
    )
    if "parts" in request.query_params:

        async def parts() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 100):
                yield body[start : start + 100]

        return StreamingResponse(parts(), media_type=kind, headers=headers)
    return Response(body, media_type=kind, headers=headers)


async def raw(query: str, coding: str) -> tuple[httpx.Response, bytes]:
    app = Compressing(Starlette(routes=[Route("/", _answer)]))
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client,
        client.stream("GET", f"/?{query}", headers={"Accept-Encoding": coding}) as answer,
    ):
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("coding", OPEN)
@pytest.mark.parametrize("parts", ["", "&parts"])
async def test_a_long_answer_is_compressed(coding: str, parts: str) -> None:
    answer, body = await raw(f"kind=application/json&long{parts}", coding)
    assert answer.headers["content-encoding"] == coding
    assert answer.headers["vary"] == "Authorization, Accept-Encoding"
    assert answer.headers.get("content-length", str(len(body))) == str(len(body))
    assert len(body) < len(LONG) / 5
    assert OPEN[coding](body) == LONG


@pytest.mark.parametrize(
    "query",
    ["kind=application/json", "kind=image/png&long", "kind=application/json&long&coded"],
)
async def test_what_is_short_or_compressed_already_is_sent_as_it_is(query: str) -> None:
    answer, body = await raw(query, "zstd")
    assert LONG.startswith(body)
    assert answer.headers.get("content-encoding") == ("br" if "coded" in query else None)
    assert answer.headers["content-length"] == str(len(body))


async def test_who_asks_for_none_gets_it_as_it_is() -> None:
    answer, body = await raw("kind=application/json&long", "br, identity")
    assert "content-encoding" not in answer.headers
    assert body == LONG
