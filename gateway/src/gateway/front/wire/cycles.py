"""One request on a connection and its answer: uvicorn's, and what is in hand as a whole leaves in one write.

uvicorn writes a head before its body. To a client that is two packets and two awakenings for each answer.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

# More of an answer than this is not given to the connection before the client has taken what was.
_PIECE_BYTES = 64 * 1024
_BODILESS_STATUSES = frozenset({204, 304})
# All but control characters; a tab is none of those that end something.
_HARMLESS = bytes(byte for byte in range(256) if (byte >= 32 and byte != 127) or byte in b"\t\r\n")


class Cycle(RequestResponseCycle):
    async def send(self, message: Any) -> None:
        """`whole` in a message that starts an answer: all of its body. Its headers have names in lower case and say
        the length if they say one; RuntimeError if it is another."""
        whole: bytes | None = message.get("whole")
        if whole is None:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        bodiless = self.scope["method"] == "HEAD" or message["status"] in _BODILESS_STATUSES
        head = self._head(message["status"], message["headers"], None if bodiless else whole)
        if bodiless or len(whole) <= _PIECE_BYTES:
            self.transport.write(head if bodiless else head + whole)
        elif not await self._written(head, memoryview(whole)):
            return
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _written(self, head: bytes, whole: memoryview) -> bool:
        """Piece by piece, so that an answer that somebody is slow to take is not in memory once more for each of
        them; False if they left."""
        self.transport.write(head)
        for start in range(0, len(whole), _PIECE_BYTES):
            if self.flow.write_paused:
                await self.flow.drain()
            if self.transport.is_closing():
                self.disconnected = True
                return False
            self.transport.write(whole[start : start + _PIECE_BYTES])
        return True

    def _head(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes | None) -> bytes:
        named = dict(headers)
        length = named.get(b"content-length")
        lines = [*map(b": ".join, self.default_headers), *map(b": ".join, headers)]
        if body is not None and length is None:
            lines.append(b"content-length: %d" % len(body))
        elif body is not None and length is not None and int(length) != len(body):
            raise RuntimeError("the body is not as long as its head says")
        if named.get(b"connection") == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close")
        head = STATUS_LINE[status] + b"\r\n".join(lines)
        ends = {head.count(b"\r"), head.count(b"\n")}
        if ends != {len(lines)} or head.translate(None, _HARMLESS):
            raise RuntimeError("a header holds what would end it")
        return head + b"\r\n\r\n"
