"""The reasons that commands accept, as types for request bodies; `common/words/data/codelists/reasons.csv` lists
them."""

from typing import Annotated

from common.words.choices import OneOf

Decline = Annotated[str, OneOf("decline", "referral")]
DeclineTransfer = Annotated[str, OneOf("decline", "transfer")]
GiveBack = Annotated[str, OneOf("decline", "line")]
NotDelivered = Annotated[str, OneOf("report-not-delivered", "referral")]
Hold = Annotated[str, OneOf("hold", "referral")]
Recall = Annotated[str, OneOf("recall", "referral")]
RecallTransfer = Annotated[str, OneOf("take-back", "transfer")]
EnterInError = Annotated[str, OneOf("enter-in-error", "referral")]
CloseCase = Annotated[str, OneOf("end", "case")]
ReopenCase = Annotated[str, OneOf("reopen", "case")]
EraseCase = Annotated[str, OneOf("erase", "case")]
CloseReport = Annotated[str, OneOf("close", "line")]
StopScreening = Annotated[str, OneOf("stop", "screening")]
RevokeCertificate = Annotated[str, OneOf("revoke", "training")]
OfferTransfer = Annotated[str, OneOf("offered", "transfer")]
CallOutcome = Annotated[str, OneOf("call", "coordinator")]
