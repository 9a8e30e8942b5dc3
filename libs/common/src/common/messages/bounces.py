"""Parses delivery failure reports (RFC 3464), which arrive hours after the e-mail was sent. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from email.policy import compat32
from uuid import UUID

from common.messages.delivery import ADDRESS_REFUSED
from common.words.details import Coded


class NotAReport(Coded):
    """The report is invalid. The message describes the error and contains no part of the report."""


@dataclass(frozen=True)
class Bounce:
    """A returned e-mail. `about` and `mark` are the parts of its Message-ID before and after the first dot. `status` is
    the RFC 3463 status if the address is unusable, or else None."""

    about: UUID
    mark: str
    status: str | None


def read(text: str) -> Bounce:
    """Parse a report. Only a recipient of our e-mail knows its Message-ID, so a report without it is refused."""
    report = message_from_string(text, policy=compat32)
    parts = list(report.walk())
    if report.get_content_type() != "multipart/report":
        raise NotAReport("send_delivery_report_as_it_came")
    returned = next((found for part in parts for found in _called(part)), None)
    if returned is None:
        raise NotAReport("report_returns_no_headers_of_our_mail")
    statuses = [
        str(block["Status"]).strip()
        for part in parts
        if part.get_content_type() == "message/delivery-status"
        for block in _blocks(part)
        if str(block["Action"]).strip().casefold() == "failed"
    ]
    refused = (each for each in statuses if each.startswith(ADDRESS_REFUSED))
    return Bounce(*returned, next(refused, None))


def _called(part: Message) -> Iterator[tuple[UUID, str]]:
    kind, payload = part.get_content_type(), part.get_payload()
    original: Message | None = None
    if kind == "message/rfc822":
        original = next(_blocks(part), None)
    elif kind in {"text/rfc822-headers", "message/rfc822-headers"} and isinstance(payload, str):
        original = message_from_string(payload, policy=compat32)
    if original is None:
        return
    called = str(original["Message-ID"] or "").strip().strip("<>").partition("@")[0]
    name, _, mark = called.partition(".")
    try:
        yield UUID(name), mark
    except ValueError:
        return


def _blocks(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (each for each in payload if isinstance(each, Message))
