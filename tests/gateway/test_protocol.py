"""The front's protocol over real sockets: how long it waits for clients, and what it never sends them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from gateway.front.edge.protocol import GuardedProtocol
from uvicorn.server import ServerState

from tests.support.patience import PATIENCE


@asynccontextmanager
async def answering(
    headers: list[tuple[bytes, bytes]],
    whole: bytes,
    *,
    idle_seconds: int = 60,
    head_seconds: float = 60,
    write_seconds: float = 60,
    state: ServerState | None = None,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Return a client's connection to a server that returns this response to each request."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/later":
            await asyncio.sleep(1.5 * idle_seconds if idle_seconds == 1 else 0.01)
        named = [*headers, (b"x-of", scope["raw_path"])]
        await send({"type": "http.response.start", "status": 200, "headers": named})
        for start in range(0, len(whole), 65536):
            piece = whole[start : start + 65536]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(
        app,
        http=GuardedProtocol,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=idle_seconds,
        server_header=False,
    )
    state = state or ServerState()
    waits = {"head_seconds": head_seconds, "write_seconds": write_seconds}
    kind = type("Impatient", (GuardedProtocol,), waits)
    loop = asyncio.get_running_loop()
    # Keep the kernel's buffer small, so that the data queues in the server.
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    server = await loop.create_server(lambda: kind(config, state, {}), sock=listening)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def said(reader: asyncio.StreamReader) -> bytes:
    """Return everything that the server sends before it closes."""
    return await asyncio.wait_for(reader.read(), PATIENCE)


def asks(method: str, path: str = "/", *, last: bool = True) -> bytes:
    close = "connection: close\r\n" if last else ""
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\n{close}\r\n".encode()


@pytest.mark.parametrize(
    "headers",
    [
        [(b"etag", b'"a"\r\nset-cookie: b=c')],
        [(b"etag", b'"a"\n')],
        [(b"etag", b'"a"\r')],
        [(b"etag", b'"a\0"')],
        [(b"etag", b'"a\x7f"')],
        [(b"etag: x\r\nlink", b"y")],
    ],
)
async def test_an_answer_that_two_could_read_differently_is_not_begun(
    headers: list[tuple[bytes, bytes]],
) -> None:
    async with answering(headers, b"body") as (reader, writer):
        writer.write(asks("GET"))
        assert await said(reader) == b""


async def test_requests_in_one_piece_are_answered_in_their_order() -> None:
    async with answering([], b"body") as (reader, writer):
        paths = ["/first", "/later", "/third", "/later", "/last"]
        writer.write(b"".join(asks("GET", path, last=path == "/last") for path in paths))
        lines = (await said(reader)).split(b"\r\n")
    assert [line for line in lines if line.startswith(b"x-of")] == [
        f"x-of: {path}".encode() for path in paths
    ]


async def test_a_connection_is_closed_when_it_was_idle_for_so_long_and_not_while_it_is_answered() -> (
    None
):
    async with answering([], b"body", idle_seconds=1) as (reader, writer):
        writer.write(asks("GET", "/later", last=False))
        await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), PATIENCE)
        assert await said(reader) == b"", "nothing but the end"


@pytest.mark.parametrize("path", ["/", "/later"])
async def test_a_head_that_began_with_the_request_before_it_is_not_awaited_for_ever(
    path: str,
) -> None:
    state = ServerState()
    async with answering([], b"body", head_seconds=0.2, state=state) as (reader, writer):
        writer.write(asks("GET", path, last=False) + b"GET / HT")
        await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), PATIENCE)
        for connection in state.connections:  # None means that the connection has closed.
            assert connection._head_timer, "nothing ends the waiting"  # type: ignore[union-attr]
        assert (await said(reader)).startswith(b"HTTP/1.1 408 ")


@asynccontextmanager
async def a_slow_taker(
    address: tuple[str, int], asked: bytes, state: ServerState
) -> AsyncIterator[tuple[socket.socket, Any]]:
    """Yield a client that reads only on demand, and the server's end of its connection, once the response has begun."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, address)
        await loop.sock_sendall(client, asked)
        await asyncio.wait_for(loop.sock_recv(client, 1), PATIENCE)
        own = client.getsockname()[1]
        ends: list[Any] = list(state.connections)
        (end,) = (each for each in ends if each.client[1] == own)
        yield client, end


@pytest.mark.parametrize("last", [True, False])
async def test_what_is_left_of_a_short_answer_holds_no_connection_when_nobody_takes_it(
    last: bool,
) -> None:
    state = ServerState()
    waits: dict[str, Any] = {"idle_seconds": 1, "write_seconds": 0.2}
    async with answering([], b"x" * 60_000, state=state, **waits) as (_, writer):
        address = writer.get_extra_info("peername")
        async with a_slow_taker(address, asks("GET", last=last), state) as (_, end):
            assert end.transport.get_write_buffer_size() > 0
            for _ in range(6):  # Open and close other connections one after another.
                other, silent = await asyncio.open_connection(*address)
                assert await said(other) == b""
                silent.close()
            assert end not in state.connections


async def test_whoever_takes_a_long_answer_slowly_gets_on_and_whoever_stops_does_not() -> None:
    state = ServerState()
    async with answering([], b"x" * 4_000_000, state=state) as (_, writer):
        address = writer.get_extra_info("peername")
        async with a_slow_taker(address, asks("GET"), state) as (client, end):
            waiting = end.transport.get_write_buffer_size
            before = waiting()
            assert 0 < before < 200_000, "the rest of it is in memory once"
            while waiting() == before:
                await asyncio.get_running_loop().sock_recv(client, 1024)
            end._look_taking()
            assert not end.transport.is_closing(), "it took some"
            before = waiting()
            while waiting() == before:
                await asyncio.get_running_loop().sock_recv(client, 1024)
            end._look_taking()
            assert not end.transport.is_closing(), "it took some more"
            end._look_taking()
            assert end.transport.is_closing()
