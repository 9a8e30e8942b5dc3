"""The front's own HTTP client: each form that an answer can have, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gateway.front.wire.bodies import Body
from gateway.front.wire.connections import _BUFFER_BYTES as BUFFER_BYTES
from gateway.front.wire.connections import Broken, Connections, Silent, Unreachable
from stack.embedded.ports import free_port

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def service(handle: Handler, **settings: float) -> AsyncIterator[Connections]:
    """Connections to a server that handles each TCP connection with `handle`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seconds: dict[str, Any] = {"connect_seconds": 2.0, "answer_seconds": 30.0, **settings}
    connections = Connections(f"http://127.0.0.1:{port}", **seconds)
    try:
        yield connections
    finally:
        connections.close()
        server.close()


def says(*answers: bytes) -> Handler:
    """A server that reads one request head for each answer on the same connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

    return handle


async def fetched(connections: Connections, method: str = "GET") -> tuple[int, bytes]:
    answer = await connections.request(method, b"/x", [], None)
    body = b"".join([chunk async for chunk in answer.chunks()])
    answer.release()
    return answer.status, body


async def test_answers_by_length_in_chunks_and_without_a_body() -> None:
    length = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
    chunked = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with service(says(length, chunked, nothing, length)) as connections:
        # One connection serves all four: the handler ends after its answers.
        assert await fetched(connections) == (200, b"hello")
        assert await fetched(connections) == (201, b"hello")
        assert await fetched(connections) == (204, b"")
        assert await fetched(connections) == (200, b"hello")


async def test_the_head_of_a_body_that_does_not_come() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n"
    after = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    async with service(says(head, after)) as connections:
        assert await fetched(connections, "HEAD") == (200, b"")
        assert await fetched(connections) == (200, b"ok")


async def test_an_answer_that_ends_with_its_connection() -> None:
    async with service(
        says(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it")
    ) as connections:
        assert await fetched(connections) == (200, b"all of it")
        assert connections.busy == 0


async def test_an_interim_answer_is_not_the_answer() -> None:
    both = (
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    )
    async with service(says(both)) as connections:
        answer = await connections.request("GET", b"/x", [], None)
        assert (answer.status, answer.whole()) == (200, b"ok")
        assert [name for name, _ in answer.headers] == [b"content-length"]
        answer.release()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nhello",
        b"not http at all\r\n\r\n",
    ],
)
async def test_an_answer_that_is_broken_off_is_never_taken_for_whole(answer: bytes) -> None:
    async with service(says(answer)) as connections:
        with pytest.raises(Broken):
            await fetched(connections)
        assert connections.busy == 0


async def test_a_second_answer_that_nobody_asked_for_reaches_nobody() -> None:
    right = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nright"
    wrong = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong"
    async with service(says(right + wrong, right)) as connections:
        for _ in range(2):
            assert await fetched(connections) == (200, b"right")
        assert connections.busy == 0


async def test_silence_is_noticed_before_and_within_an_answer() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"GET /begins" in head:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel")
        await reader.read()

    async with service(silent, answer_seconds=0.1) as connections:
        with pytest.raises(Silent):
            await connections.request("GET", b"/says-nothing", [], None)
        answer = await connections.request("GET", b"/begins", [], None)
        with pytest.raises(Silent):
            async for _ in answer.chunks():
                pass
        answer.release()
        assert connections.busy == 0


async def test_a_place_where_nobody_listens() -> None:
    nowhere = Connections(f"http://127.0.0.1:{free_port()}", connect_seconds=1, answer_seconds=1)
    with pytest.raises(Unreachable):
        await nowhere.request("GET", b"/x", [], None)


async def test_a_slow_reader_holds_the_service_back() -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n")
        while sent < 50_000_000:
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    async with service(flood) as connections:
        answer = await connections.request("GET", b"/x", [], None)
        await asyncio.sleep(0.3)
        # What the kernel's buffers hold, not the fifty megabytes.
        assert sent < 20_000_000
        assert sum([len(chunk) async for chunk in answer.chunks()]) == 50_000_000
        answer.release()


def body_of(*parts: bytes, endless: bool = False) -> Body:
    """A client's body that arrives in `parts`; an endless one is then waited for."""
    messages = [
        {"type": "http.request", "body": part, "more_body": endless or number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return Body(receive, limit=1000, idle_seconds=5, total_seconds=5)


async def test_a_body_is_sent_as_it_comes() -> None:
    heard = b""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        await reader.readuntil(b"\r\n\r\n")
        heard = await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with service(handle) as connections:
        body = body_of(b"one", b"", b"three")
        await body.start()
        answer = await connections.request("POST", b"/x", [], body)
        assert answer.status == 204
        assert heard == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
        answer.release()


async def test_an_answer_that_comes_before_the_body_is_heard() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await reader.read()

    async with service(handle) as connections:
        body = body_of(b"one", endless=True)
        await body.start()
        answer = await connections.request("POST", b"/x", [], body)
        assert (answer.status, answer.whole()) == (413, b"no")
        answer.release()
        assert connections.busy == 0


async def test_a_connection_hears_the_next_answer_after_one_that_came_whole() -> None:
    """More than the buffer in one piece pauses the reading; it must go on, whoever takes it."""
    body = b"x" * (BUFFER_BYTES + 1)
    large = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    async with service(says(large, large, large)) as connections:
        for _ in range(3):
            answer = await connections.request("GET", b"/x", [], None)
            await asyncio.sleep(0.1)  # until all of it is there
            taken = answer.whole()
            assert taken is None or taken == body
            if taken is None:
                assert b"".join([chunk async for chunk in answer.chunks()]) == body
            answer.release()
