"""The body of a webhook call to a partner: the `webhooks` section of the API description."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.vocabulary.facts import decided

calls = APIRouter()


class NoticeData(BaseModel):
    """Only ids. Read the changed resource with your own token."""

    id: UUID = Field(description="The notice; the same in the feed.")
    subject_type: str = Field(examples=["referral"])
    subject_id: UUID
    version: int | None = Field(description="Of the subject; null where it has none.")


decided("NoticeData", NoticeData.model_fields)


class NoticeCall(BaseModel):
    """The body of a webhook call."""

    type: NoticeKind
    timestamp: datetime
    data: NoticeData


@calls.post("notice", status_code=204, tags=["webhooks"])
def notice(
    body: NoticeCall,
    webhook_id: Annotated[str, Header(description="The delivery; the same when it is sent again.")],
    webhook_timestamp: Annotated[str, Header(description="Seconds since 1970.")],
    webhook_signature: Annotated[str, Header(description="Standard Webhooks 1.0, `v1,…`.")],
) -> None:
    """Something that concerns your organisation changed. Verify the signature with a Standard
    Webhooks library, answer 2xx within 15 seconds; else it is sent again, later and later."""
