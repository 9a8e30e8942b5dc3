"""The servers that messages to people are handed to: a relay, a push service, a gateway for short messages. They
take, refuse or delay as a fault says, and count by address and by name what they took."""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from stack.embedded.ports import free_port

_CODE = re.compile(r"[0-9]{8}")
_TOO_LATE_SECONDS = 40.0


class WaysToPeople:
    """`taken`: by address the names of messages that were taken, each as often as it was. `fault`: what is done
    to messages now; `struck`: how many it met."""

    def __init__(self) -> None:
        self.smtp_port, self.http_port = free_port(), free_port()
        self.taken: dict[str, Counter[str]] = defaultdict(Counter)
        self.codes: dict[str, str] = {}
        self.fault = ""
        self.struck = 0
        self._greylisted: set[str] = set()

    def settings(self, gateway: Path) -> dict[str, str]:
        """Of whoever tells people; `gateway`: where its description may be written."""
        described = {
            "kind": "template",
            "url": f"http://127.0.0.1:{self.http_port}/sms",
            "content_type": "application/json",
            "body": '{"to": "{number}", "text": "{text}", "id": "{id}"}',
            "accepted": {"path": "status", "values": ["queued"]},
        }
        gateway.write_text(json.dumps(described))
        return {
            "RUTA_SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}",
            "RUTA_SMS_GATEWAY_FILE": str(gateway),
        }

    def browser(self, name: str) -> str:
        """The endpoint of a subscription."""
        return f"http://127.0.0.1:{self.http_port}/push/{name}"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["WaysToPeople"]:
        smtp = await asyncio.get_running_loop().create_server(
            lambda: SMTP(self, hostname="localhost"), "127.0.0.1", self.smtp_port
        )
        app = web.Application()
        app.router.add_post("/sms", self._short_message)
        app.router.add_post("/push/{name}", self._push)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.http_port).start()
        try:
            yield self
        finally:
            smtp.close()
            await runner.cleanup()

    def _struck(self, *faults: str) -> bool:
        met = self.fault in faults
        self.struck += met
        return met

    def _take(self, address: str, name: str, text: str) -> None:
        if code := _CODE.search(text):
            self.codes[address] = code[0]
        else:
            self.taken[address][name] += 1

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self._struck("smtp-down"):
            return "451 4.3.0 try later"
        if address not in self._greylisted and self._struck("smtp-greylists"):
            self._greylisted.add(address)
            return "451 4.7.1 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self._struck("smtp-slow"):
            await asyncio.sleep(_TOO_LATE_SECONDS)
            return "451 4.3.2 too late"
        mail = message_from_bytes(envelope.original_content or b"", policy=default)
        body = mail.get_body(("plain",))
        for address in envelope.rcpt_tos:
            self._take(address, str(mail["Message-ID"]), body.get_content() if body else "")
        return "250 OK"

    async def _short_message(self, request: web.Request) -> web.Response:
        said = await request.json()
        if self._struck("sms-error-inside"):
            return web.json_response({"status": "error", "reason": "no credit"})
        self._take(said["to"], said["id"], said["text"])
        return web.json_response({"status": "queued"})

    async def _push(self, request: web.Request) -> web.Response:
        if self._struck("push-gone"):
            return web.Response(status=410)
        address = self.browser(request.match_info["name"])
        # It has no name, and no content to tell one from another: each is another message.
        self._take(address, str(sum(self.taken[address].values())), "")
        return web.Response(status=201)
