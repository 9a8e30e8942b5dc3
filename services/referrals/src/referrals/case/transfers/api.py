"""HTTP routes of transfers."""

from uuid import UUID

from common.http import IdempotencyRequired, Session, router
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from fastapi import Response

from referrals.case.transfers import queries, service
from referrals.case.transfers.models import Transfer
from referrals.case.transfers.schemas import (
    AcceptTransfer,
    DeclineTransfer,
    NewTransfer,
    RecallTransfer,
    TransferDetail,
    TransferView,
)
from referrals.ground.dependencies import Blind, CaseReader, Keys, Writer

_NIL = UUID(int=0)
transfers = router("/referrals/v1/transfers", ["transfers"])


@transfers.post("", status_code=201, dependencies=[IdempotencyRequired])
async def offer_transfer(
    body: NewTransfer, session: Session, caller: Writer, keys: Keys, response: Response
) -> TransferView:
    """Offer responsibility for a case, under a consent of kind `transfer`."""
    transfer = await service.offer(session, caller, keys, body)
    response.headers["Location"] = f"/referrals/v1/transfers/{transfer.id}"
    return _view(transfer, caller)


@transfers.get("")
async def list_transfers(
    session: Session, caller: CaseReader, cursor: CursorText = None, limit: Limit = 50
) -> Page[TransferView]:
    """List transfers that your organisation offers or receives, newest first."""
    rows = await queries.listed(session, caller, before=id_cursor(cursor), limit=limit)
    return page_of(rows, limit, lambda row: _view(row, caller))


@transfers.get("/{transfer_id}")
async def read_transfer(
    transfer_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> TransferDetail:
    """The transfer of a whole case, for both organisations."""
    transfer = await queries.one(session, caller, transfer_id)
    return TransferDetail(
        **_view(transfer, caller).model_dump(),
        reference=await service.code_of(session, transfer),
        offer=await service.offered_case(session, keys, transfer),
    )


@transfers.post("/{transfer_id}/accept")
async def accept_transfer(
    transfer_id: UUID,
    body: AcceptTransfer,
    session: Session,
    caller: Writer,
    keys: Keys,
    blind: Blind,
) -> TransferView:
    """Accept the case: it becomes yours, and the former organisation loses access at once. For an offer from a
    succession, ask the person first and send their answer."""
    return _view(await service.accept(session, caller, keys, blind, transfer_id, body), caller)


@transfers.post("/{transfer_id}/decline")
async def decline_transfer(
    transfer_id: UUID, body: DeclineTransfer, session: Session, caller: Writer
) -> TransferView:
    """Decline the offer. The case stays with the organisation that offered it."""
    return _view(await service.decline(session, caller, transfer_id, body.reason), caller)


@transfers.post("/{transfer_id}/recall")
async def recall_transfer(
    transfer_id: UUID, body: RecallTransfer, session: Session, caller: Writer
) -> TransferView:
    """Take an offer back before the other organisation accepts it."""
    return _view(await service.recall(session, caller, transfer_id, body.reason), caller)


def _view(transfer: Transfer, caller: Writer) -> TransferView:
    return TransferView(
        **transfer.model_dump(exclude={"grant_id"}),
        grant_id=transfer.grant_id or _NIL,
        asks=transfer.grant_id is None,
        legal_transitions=service.legal(caller, transfer),
    )
