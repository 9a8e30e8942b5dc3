"""The front's calls to a service, with every kind of response, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from common.errors import Problem
from gateway.front.edge.bodies import Body
from gateway.front.routes import Upstream
from gateway.front.settings import FrontSettings
from gateway.front.upstreams import SILENT_SECONDS, Upstreams
from gateway.keys import ensure_internal_keys

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Service:
    """The directory as the front calls it."""

    def __init__(self, upstreams: Upstreams) -> None:
        self.upstreams = upstreams

    @property
    def busy(self) -> int:
        return self.upstreams.replicas[Upstream.DIRECTORY][0].busy

    @asynccontextmanager
    async def answer(
        self, method: str = "GET", path: bytes = b"/x", body: Body | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        asked = self.upstreams.answer(Upstream.DIRECTORY, method, path, [], body)
        async with asked as answer:
            yield answer


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    ensure_internal_keys(tmp_path / "internal.pem", tmp_path / "jwks.json")
    return {
        "public_url": "http://127.0.0.1",
        "token_issuer_url": "http://127.0.0.1",
        "issuer_url": "http://127.0.0.1:1",
        "internal_signing_key_file": tmp_path / "internal.pem",
    }


@asynccontextmanager
async def service(handle: Handler, settings: dict[str, Any], **more: Any) -> AsyncIterator[Service]:
    """Start a server that handles each TCP connection with `handle`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    upstreams = Upstreams(FrontSettings.model_validate({**settings, "directory_url": url, **more}))
    await upstreams.start()
    try:
        yield Service(upstreams)
    finally:
        await upstreams.close()
        server.close()


def says(*answers: bytes) -> Handler:
    """Start a server that reads one request header block per response on the same connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

    return handle


async def fetched(service: Service, method: str = "GET") -> tuple[int, bytes]:
    async with service.answer(method) as answer:
        return answer.status, await answer.read()


async def test_answers_by_length_in_chunks_and_without_a_body(settings: dict[str, Any]) -> None:
    length = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
    chunked = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with service(says(length, chunked, nothing, length), settings) as directory:
        # One connection serves all four requests; the handler ends after its responses.
        assert await fetched(directory) == (200, b"hello")
        assert await fetched(directory) == (201, b"hello")
        assert await fetched(directory) == (204, b"")
        assert await fetched(directory) == (200, b"hello")


async def test_the_head_of_a_body_that_does_not_come(settings: dict[str, Any]) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n"
    after = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    async with service(says(head, after), settings) as directory:
        assert await fetched(directory, "HEAD") == (200, b"")
        assert await fetched(directory) == (200, b"ok")


async def test_an_answer_that_ends_with_its_connection(settings: dict[str, Any]) -> None:
    async with service(
        says(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it"), settings
    ) as directory:
        assert await fetched(directory) == (200, b"all of it")
        assert directory.busy == 0


async def test_an_interim_answer_is_not_the_answer(settings: dict[str, Any]) -> None:
    both = (
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    )
    async with service(says(both), settings) as directory, directory.answer() as answer:
        assert (answer.status, await answer.read()) == (200, b"ok")
        assert [name for name, _ in answer.raw_headers] == [b"content-length"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", Problem),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", aiohttp.ClientError),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n",
            aiohttp.ClientError,
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nhello", Problem),
        (b"not http at all\r\n\r\n", Problem),
    ],
)
async def test_an_answer_that_is_broken_off_is_never_taken_for_whole(
    answer: bytes, error: type[Exception], settings: dict[str, Any]
) -> None:
    async with service(says(answer), settings) as directory:
        with pytest.raises(error):
            await fetched(directory)
        assert directory.busy == 0


async def test_a_second_answer_that_nobody_asked_for_reaches_nobody(
    settings: dict[str, Any],
) -> None:
    right = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nright"
    wrong = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong"
    async with service(says(right + wrong, right), settings) as directory:
        for _ in range(2):
            assert await fetched(directory) == (200, b"right")
        assert directory.busy == 0


async def test_silence_is_noticed_before_and_within_an_answer(settings: dict[str, Any]) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"GET /begins" in head:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel")
        await reader.read()

    async with service(silent, settings, answer_seconds=0.1) as directory:
        with pytest.raises(Problem) as refused:
            async with directory.answer(path=b"/says-nothing"):
                pass
        assert refused.value.kind.status == 504
        with pytest.raises(aiohttp.SocketTimeoutError):
            async with directory.answer(path=b"/begins") as answer:
                await answer.read()
        assert directory.busy == 0


async def test_a_slow_answer_is_waited_for_while_the_process_answers_probes(
    settings: dict[str, Any],
) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"GET /healthz" not in head:
            await asyncio.sleep(SILENT_SECONDS + 3)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")

    stop = asyncio.Event()
    async with service(slow, settings) as directory:
        probing = asyncio.create_task(directory.upstreams.probe(stop))
        assert await fetched(directory) == (200, b"ok")
        stop.set()
        await probing


def body_of(*parts: bytes, endless: bool = False) -> Body:
    """Return a client's body that arrives in `parts`; an endless body then waits forever."""
    messages = [
        {"type": "http.request", "body": part, "more_body": endless or number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return Body(receive, limit=1000, idle_seconds=5, total_seconds=5)


async def test_a_body_is_sent_as_it_comes(settings: dict[str, Any]) -> None:
    heard = b""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        await reader.readuntil(b"\r\n\r\n")
        heard = await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with service(handle, settings) as directory:
        body = body_of(b"one", b"", b"three")
        await body.start()
        async with directory.answer("POST", body=body) as answer:
            assert answer.status == 204
        assert heard == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"


async def test_a_body_that_breaks_off_fails_as_the_client_failed(settings: dict[str, Any]) -> None:
    async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with service(handle, settings) as directory:
        body = body_of(b"x" * 900, b"x" * 900)
        await body.start()
        with pytest.raises(Problem) as refused:
            async with directory.answer("POST", body=body):
                pass
        assert refused.value.kind.status == 413
        assert directory.busy == 0


async def test_a_body_that_was_begun_is_not_sent_again(settings: dict[str, Any]) -> None:
    """A partly sent body is not sent again, because the service would treat the rest as the whole body."""
    heard: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"one"))

    async with service(handle, settings) as directory:
        body = body_of(b"one", endless=True)
        await body.start()
        with pytest.raises(Problem) as refused:
            async with directory.answer("PUT", body=body):
                pass
        assert refused.value.kind.status == 503
        assert len(heard) == 1


async def test_what_a_service_says_unasked_is_no_answer_to_the_next(
    settings: dict[str, Any],
) -> None:
    right = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nright"
    wrong = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong"
    spoke = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(right)
        await asyncio.sleep(0.1)
        writer.write(wrong)
        await writer.drain()
        spoke.set()
        await reader.readuntil(b"\r\n\r\n")
        writer.write(right)

    async with service(handle, settings) as directory:
        assert await fetched(directory) == (200, b"right")
        await spoke.wait()
        await asyncio.sleep(0.1)
        assert await fetched(directory) == (200, b"right")
