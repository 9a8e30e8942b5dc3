"""A mail of ours that came back, as the operator's script beside the relay passes it on: to each service that
writes mails, of which one knows it."""

from typing import Annotated

from pydantic import Field

from common.auth import Principal, Role
from common.errors import INVALID
from common.http.access import requires
from common.http.strict import Strict
from common.messages.bounces import Bounce, NotAReport, read

Postmaster = Annotated[Principal, requires("admin", roles={Role.IM, Role.ADMIN})]


class ReturnedMail(Strict):
    message: str = Field(
        max_length=500_000,
        description="The report as it came (RFC 3464), with the headers of the mail that it returns.",
    )

    def bounce(self) -> Bounce:
        try:
            return read(self.message)
        except NotAReport as error:
            raise INVALID.because(error.said, pointer="/message") from error
