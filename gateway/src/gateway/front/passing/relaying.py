"""A service's answer on its way to the client: only listed headers, compressed where that is safe."""

import asyncio
import re

import orjson
from common.errors import INTERNAL
from common.process.logs import get_logger

from gateway.front.passing.exchange import PROBLEM, Exchange, Receive
from gateway.front.routes import Route
from gateway.front.wire import compression
from gateway.front.wire.bodies import ClientLeft
from gateway.front.wire.connections import Answer
from gateway.front.wire.heads import Header, returned

_log = get_logger(__name__)
_LONG_ANSWER_BYTES = 1024 * 1024


async def relay(exchange: Exchange, answer: Answer, route: Route, public_url: str) -> None:
    """Stream the answer: read a chunk only when the client has taken the one before."""
    headers = returned(answer.headers, cookies=route.cookies, own_cookies=route.own_cookies)
    if not route.lets_in(exchange.method, exchange.path):
        headers = _locations_checked(headers, answer.status, public_url.rstrip("/").encode())
    whole = answer.whole()
    told = answer.content_type.startswith(PROBLEM)
    if told and (exchange.is_opened or exchange.reads_outcomes):
        headers, whole = await _problem_rewritten(exchange, answer, headers, whole)
    length = answer.content_length if whole is None else len(whole)
    compresses = False
    if compression.is_text(headers) and not route.holds_secrets(exchange.method, exchange.path):
        headers = compression.with_vary(headers)
        compresses = (
            exchange.takes_gzip
            and exchange.method != "HEAD"
            and (length is None or length >= compression.LEAST_BYTES)
        )
    if answer.status == 304 and compression.asked_of_compressed(exchange.head.passed):
        headers = [(n, compression.marked(v) if n == b"etag" else v) for n, v in headers]
    if compresses:
        headers = compression.as_compressed(headers)
        if whole is not None:
            whole = await compression.compressed(whole)
            headers.append((b"content-length", str(len(whole)).encode()))
    await exchange.begin(answer.status, headers, whole)
    if whole is None:
        await _stream(exchange, answer, compression.Stream() if compresses else None)


def _locations_checked(headers: list[Header], status: int, public_url: bytes) -> list[Header]:
    """A client that follows a redirect repeats its body and secret there: no answer may name another address."""
    kept = [
        (name, value)
        for name, value in headers
        if name != b"location" or re.match(b"/(?![/\\\\])|" + re.escape(public_url) + b"/", value)
    ]
    if len(kept) == len(headers):
        return headers
    _log.error("location_not_ours", status=status)
    if 300 <= status < 400:
        raise INTERNAL.because("error_was_logged")
    return kept


async def _problem_rewritten(
    exchange: Exchange, answer: Answer, headers: list[Header], whole: bytes | None
) -> tuple[list[Header], bytes]:
    """What went wrong, for a person or a FHIR client: the same status and headers, another body."""
    if whole is None:
        whole = b"".join([chunk async for chunk in answer.chunks()])
    without_body = exchange.method == "HEAD"
    problem = dict.fromkeys(("title", "code", "detail"), "") | {"status": answer.status}
    described, page = await exchange.as_problem(problem if without_body else orjson.loads(whole))
    dropped = {b"content-length", b"etag", *(name for name, _ in described)}
    kept = [header for header in headers if header[0] not in dropped]
    if without_body:
        return [*kept, *described], b""
    return [*kept, *described, (b"content-length", str(len(page)).encode())], page


async def _stream(exchange: Exchange, answer: Answer, stream: compression.Stream | None) -> None:
    expected, received = answer.content_length, 0
    listener: asyncio.Task[None] | None = None
    try:
        async for chunk in answer.chunks():
            received += len(chunk)
            sent = chunk if stream is None else stream.go_on(chunk)
            if expected is not None and received >= expected:
                await exchange.go_on(sent if stream is None else sent + stream.end(), more=False)
                return
            if received > _LONG_ANSWER_BYTES and listener is None:
                listener = asyncio.create_task(_gone(exchange.receive))
            if listener is not None and listener.done():
                raise ClientLeft
            await exchange.go_on(sent, more=True)
        await exchange.go_on(b"" if stream is None else stream.end(), more=False)
    finally:
        if listener is not None:
            listener.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client has closed: nobody need read a long answer to its end for it."""
    while (await receive())["type"] != "http.disconnect":
        pass
