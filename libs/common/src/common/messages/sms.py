"""Sends text messages through a gateway's HTTP interface: RapidPro's, or any interface that a template describes."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from common.messages.delivery import HANDED, Handing, Message, Result, waiting
from common.settings import HttpAddress

_SECONDS = 15
_CONNECT_SECONDS = 5
_PLACES = re.compile(r"\{(number|digits|text|id)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RapidPro(_Strict):
    """RapidPro's API v2: one broadcast to one URN. It returns 400 with `urns` for an unreadable number."""

    kind: Literal["rapidpro"]
    url: HttpAddress = Field(description="The server's address, without /api/v2.")
    token: str = Field(min_length=8)


class Said(_Strict):
    """A rule to recognise a result in the gateway's response. `path` leads into its JSON (keys and indexes separated by
    `/`), and `values` are the matching values. Without a path, any of the values in the text matches."""

    path: str | None = None
    values: list[str] = Field(min_length=1)

    def holds(self, text: str) -> bool:
        if self.path is None:
            return any(value.casefold() in text.casefold() for value in self.values)
        try:
            found: Any = orjson.loads(text)
            for part in self.path.strip("/").split("/"):
                found = found[int(part)] if isinstance(found, list) else found[part]
        except (ValueError, KeyError, IndexError, TypeError):
            return False
        return str(found).casefold() in {value.casefold() for value in self.values}


class Template(_Strict):
    """A template for requests to the gateway.

    `body` may contain {number} (E.164), {digits} (without +), {text} and {id}, escaped for its content type. `accepted`
    recognises success, because a response with status 200 may contain an error. `refused` recognises an unusable
    number. `once_per_id` means that the gateway sends only the first of two requests with the same id (also in
    `Idempotency-Key`).
    """

    kind: Literal["template"]
    url: HttpAddress
    content_type: Literal["application/json", "application/x-www-form-urlencoded"]
    body: str
    headers: dict[str, str] = {}
    accepted: Said
    refused: Said | None = None
    once_per_id: bool = False


_RAPIDPRO_FAILED = Said(path="status", values=["failed"])
Gateway = Annotated[RapidPro | Template, Field(discriminator="kind")]
_GATEWAY: TypeAdapter[RapidPro | Template] = TypeAdapter(Gateway)


def gateway_of(file: Path) -> RapidPro | Template:
    """Read the gateway's file. Raise a pydantic ValueError that names the invalid member."""
    return _GATEWAY.validate_json(file.read_bytes())


class Sms:
    def __init__(self, gateway: RapidPro | Template, seconds: float = _SECONDS) -> None:
        """Create the client. `seconds` limits the delivery of one message, including the response."""
        self._gateway = gateway
        self.seconds = seconds
        self._limit = aiohttp.ClientTimeout(total=seconds, connect=min(seconds, _CONNECT_SECONDS))

    @property
    def once_per_id(self) -> bool:
        """Return whether the gateway sends a message only once, however often it receives it."""
        return isinstance(self._gateway, Template) and self._gateway.once_per_id

    async def hand_over(
        self, http: aiohttp.ClientSession, number: str, message: Message, message_id: str
    ) -> Handing:
        url, headers, body = _call(self._gateway, number, message.text, message_id)
        try:
            async with http.post(
                url, data=body, headers=headers, allow_redirects=False, timeout=self._limit
            ) as answer:
                status, wait = answer.status, waiting(answer.headers.get("Retry-After"))
                text = (await answer.content.read(65536)).decode(errors="replace")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Handing(Result.LATER, "unreachable")
        except (TimeoutError, aiohttp.ClientError, OSError):
            again = Result.LATER if self.once_per_id else Result.UNCLEAR
            return Handing(again, "answer_lost")
        return _of(self._gateway, status, text, wait)


def _call(
    gateway: RapidPro | Template, number: str, text: str, message_id: str
) -> tuple[str, dict[str, str], bytes]:
    named = {"idempotency-key": message_id}
    if isinstance(gateway, RapidPro):
        headers = {"authorization": f"Token {gateway.token}", "content-type": "application/json"}
        body = orjson.dumps({"urns": [f"tel:{number}"], "text": text})
        return f"{gateway.url.rstrip('/')}/api/v2/broadcasts.json", headers | named, body
    values = {"number": number, "digits": number.lstrip("+"), "text": text, "id": message_id}
    written = {name: _written(value, gateway.content_type) for name, value in values.items()}
    filled = _PLACES.sub(lambda place: written[place[1]], gateway.body)
    headers = {**named, **gateway.headers, "content-type": gateway.content_type}
    return gateway.url, headers, filled.encode()


def _written(value: str, content_type: str) -> str:
    if content_type == "application/json":
        return orjson.dumps(value).decode()[1:-1]
    return quote_plus(value)


def _of(gateway: RapidPro | Template, status: int, text: str, wait: timedelta | None) -> Handing:
    if _refuses_number(gateway, status, text):
        return Handing(Result.REFUSED, f"sms_{status}")
    if not 200 <= status < 300:
        return Handing(Result.LATER, f"sms_{status}", wait)
    accepted = (
        gateway.accepted.holds(text)
        if isinstance(gateway, Template)
        else not _RAPIDPRO_FAILED.holds(text)
    )
    # a response with status 200 that contains an error is a rejection
    return HANDED if accepted else Handing(Result.LATER, "sms_not_accepted")


def _refuses_number(gateway: RapidPro | Template, status: int, text: str) -> bool:
    if isinstance(gateway, RapidPro):
        return status == 400 and Said(values=['"urns"']).holds(text)
    said = gateway.refused
    return said is not None and status < 500 and status != 429 and said.holds(text)
