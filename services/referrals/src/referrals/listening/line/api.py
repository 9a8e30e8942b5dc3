"""HTTP routes of the anonymous line for apps, hotlines and information points, without an account."""

from typing import Annotated

from common import clock
from common.auth import Principal
from common.http import Session, context_of, open_to_all, router
from fastapi import Depends, Request, Response

from referrals.ground.dependencies import Keys, ServiceSettingsOf
from referrals.listening.line import service
from referrals.listening.line.gate import ReceiptGate
from referrals.listening.line.kinds import kinds
from referrals.listening.line.schemas import (
    LineFormView,
    NewReport,
    OpenThread,
    ReceiptView,
    ReporterMessage,
    ThreadView,
    Wish,
)
from referrals.listening.line.service import Line
from referrals.listening.line.watch import Watch

line = router("/referrals/v1/line", ["anonymous line"])
Anyone = Annotated[Principal, open_to_all()]


async def _receipts(request: Request) -> ReceiptGate:
    gate: ReceiptGate = context_of(request).parts["receipts"]
    return gate


ReceiptsOf = Annotated[ReceiptGate, Depends(_receipts)]


async def _watch(request: Request) -> Watch:
    watch: Watch = context_of(request).parts["watch"]
    return watch


WatchOf = Annotated[Watch, Depends(_watch)]


async def _line(keys: Keys, gate: ReceiptsOf, watch: WatchOf, settings: ServiceSettingsOf) -> Line:
    return Line(keys, gate, settings.line_thread_days, watch)


LineOf = Annotated[Line, Depends(_line)]


@line.get("/form")
async def get_form(
    session: Session, caller: Anyone, parts: LineOf, response: Response
) -> LineFormView:
    """Return an empty form. Its token makes sure that sending it twice makes one report."""
    service.refuse_accounts(caller)
    response.headers["Cache-Control"] = "no-store"
    now = clock.now()
    return LineFormView(
        form=parts.gate.receipts.new_form(now),
        urgent_told_at=await service.told_at(session, parts, now),
        kinds={kind.code: dict(kind.labels) for kind in kinds().values()},
    )


@line.post("/reports", status_code=201)
async def send_report(
    body: NewReport, session: Session, caller: Anyone, parts: LineOf, response: Response
) -> ReceiptView:
    """Send a report. The receipt is the only key to its thread; there is no reset."""
    service.refuse_accounts(caller)
    response.headers["Cache-Control"] = "no-store"
    receipt, until = await service.receive(session, parts, body)
    return ReceiptView(receipt=receipt, readable_until=until)


@line.post("/threads/open")
async def open_thread(
    body: OpenThread, session: Session, caller: Anyone, parts: LineOf, response: Response
) -> ThreadView:
    """Return the thread with its answers. Send the receipt in the body, never in the address."""
    service.refuse_accounts(caller)
    response.headers["Cache-Control"] = "no-store"
    return await service.read_thread(session, parts, body.receipt)


@line.post("/threads/messages")
async def add_message(
    body: ReporterMessage, session: Session, caller: Anyone, parts: LineOf, response: Response
) -> ThreadView:
    """Add a message to the reporter's own thread, which the receipt opens."""
    service.refuse_accounts(caller)
    response.headers["Cache-Control"] = "no-store"
    return await service.add_message(session, parts, body.receipt, body.text)


@line.post("/threads/wish")
async def set_wish(
    body: Wish, session: Session, caller: Anyone, parts: LineOf, response: Response
) -> ThreadView:
    """Ask an organisation to take up the report as a case, or withdraw that wish."""
    service.refuse_accounts(caller)
    response.headers["Cache-Control"] = "no-store"
    return await service.set_wish(session, parts, body.receipt, body.wants_case)


@line.post("/threads/delete", status_code=204)
async def delete_thread(
    body: OpenThread, session: Session, caller: Anyone, parts: LineOf
) -> Response:
    """Delete the report and its whole thread, for both sides."""
    service.refuse_accounts(caller)
    await service.delete_thread(session, parts, body.receipt)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
