"""Catches messages that the embedded stack sends to people: a mail relay, an SMS gateway, and a page with the latest
messages, which are kept in memory. Nothing leaves this machine.

Usage: `python -m stack.embedded.mailbox SMTP_PORT`, with RUTA_HOST and RUTA_PORT for the page.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html import escape

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from stack.embedded.ports import LOOPBACK

_KEPT = 200
_SMTP_OK = "250 OK"


@dataclass(frozen=True)
class Caught:
    """A caught message. `source` is everything that the relay or gateway received, as its log might record it."""

    at: str
    by: str
    to: str
    subject: str
    text: str
    source: str


class Mailbox:
    """The latest messages, newest first."""

    def __init__(self) -> None:
        self.messages: deque[Caught] = deque(maxlen=_KEPT)

    def keep(self, by: str, to: str, subject: str, text: str, source: bytes) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        whole = source.decode(errors="replace")
        self.messages.appendleft(Caught(now, by, to, subject, text.strip(), whole))

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        content = envelope.original_content or b""
        mail = message_from_bytes(content, policy=default)
        body = mail.get_body(("plain",))
        for to in envelope.rcpt_tos:
            text = body.get_content() if body else ""
            noted = f"EHLO {session.host_name}\nMAIL FROM:<{envelope.mail_from}>\nRCPT TO:<{to}>\n"
            self.keep("mail", to, str(mail["Subject"]), text, noted.encode() + content)
        return _SMTP_OK

    async def short_message(self, request: web.Request) -> web.Response:
        try:
            said = await request.json()
            heads = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
            noted = f"{request.method} {request.path_qs}\n{heads}".encode()
            number, text = str(said["number"]), str(said["text"])
            self.keep("sms", number, "", text, noted + await request.read())
        except (ValueError, KeyError, TypeError):
            raise web.HTTPBadRequest(text="give number and text, as JSON") from None
        return web.json_response({"status": "queued"})

    async def listed(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(each) for each in self.messages])

    async def page(self, _request: web.Request) -> web.Response:
        rows = "".join(
            f"<tr><td>{escape(each.at)}<td>{escape(each.by)}<td>{escape(each.to)}<td>"
            f"<b>{escape(each.subject)}</b> {escape(each.text)}"
            for each in self.messages
        )
        text = _PAGE.replace("{rows}", rows or f"<tr><td colspan=4>{_NOTHING}")
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)


_NOTHING = "Todavía nada. Recargue la página. / Nothing yet. Reload the page."
_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
_PAGE = """<!doctype html><html lang="es"><meta charset="utf-8"><title>Ruta: mensajes / messages</title>
<meta name="viewport" content="width=device-width">
<style>body{font:1rem/1.5 sans-serif;margin:1rem}td{border-top:1px solid #767676;padding:.3rem;
vertical-align:top;overflow-wrap:anywhere}table{border-collapse:collapse}</style>
<h1>Mensajes que no salieron / Messages that did not leave</h1>
<p>Lo que Ruta habría enviado por correo y SMS; queda en la memoria de este equipo.<br>
What Ruta would have sent by mail and SMS; it stays in this machine's memory.</p>
<table>{rows}</table></html>"""


async def _ready(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "parts": {}})


async def run(smtp_port: int, port: int, host: str = LOOPBACK) -> None:
    """Serve until SIGTERM or SIGINT."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(mailbox, hostname="ruta.invalid"), host, smtp_port)
    app = web.Application()
    app.add_routes(
        [
            web.get("/", mailbox.page),
            web.get("/messages", mailbox.listed),
            web.post("/sms", mailbox.short_message),
            web.get("/readyz", _ready),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    smtp.close()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(os.environ["RUTA_PORT"])))
