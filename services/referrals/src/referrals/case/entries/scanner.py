"""The deployment's virus scanner, if it has one: clamd's INSTREAM over TCP."""

import asyncio
import struct

from common.errors import UNAVAILABLE, UNSUPPORTED_MEDIA_TYPE

_SECONDS = 20
_CHUNK = 64 * 1024


async def refuse_infected(address: str | None, content: bytes) -> None:
    """Raise 415 for an infected file and 503 if the scanner does not respond, so that no file is stored unscanned."""
    if address is None:
        return
    try:
        async with asyncio.timeout(_SECONDS):
            said = await _asked(address, content)
    except (OSError, TimeoutError) as error:
        raise UNAVAILABLE.because("virus_scanner_does_not_answer") from error
    if said.endswith(b"FOUND"):
        raise UNSUPPORTED_MEDIA_TYPE.because("virus_scanner_found_something", pointer="/file")
    if not said.endswith(b"OK"):
        raise UNAVAILABLE.because("virus_scanner_does_not_answer")


async def _asked(address: str, content: bytes) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"zINSTREAM\0")
        for start in range(0, len(content), _CHUNK):
            part = content[start : start + _CHUNK]
            writer.write(struct.pack(">I", len(part)) + part)
        writer.write(struct.pack(">I", 0))
        await writer.drain()
        return (await reader.read(4096)).rstrip(b"\0\n ")
    finally:
        writer.close()
