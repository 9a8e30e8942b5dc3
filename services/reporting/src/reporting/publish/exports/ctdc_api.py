"""Exports a published trafficking release in CTDC columns."""

import io
from typing import Annotated

from common.auth import ANONYMOUS, Principal
from common.errors import NOT_FOUND
from common.http import Session, answered_as, open_to_all, router
from common.tables_io.cells import GuardedCsv
from fastapi import Path
from starlette.responses import Response

from reporting.errors import OutsideProgrammeError
from reporting.protect.releases.api import Tier, is_internal
from reporting.protect.releases.errors import outside
from reporting.protect.releases.queries import published, visible
from reporting.protect.withdrawals.service import refuse_withdrawn
from reporting.publish.exports.ctdc import columns, ctdc_rows

routes = router("/reports/v1/trafficking", ["releases"])

Reader = Annotated[Principal, open_to_all()]
Period = Annotated[str, Path(max_length=10, examples=["2026-Q3"])]


@routes.get("/{period}/ctdc", **answered_as("text/csv"))
async def read_ctdc(
    caller: Reader, session: Session, period: Period, tier: Tier = "public"
) -> Response:
    """A published trafficking release as CSV in CTDC's columns, with a protected `count`. 422 where too few people
    are counted to show everybody so much detail."""
    known = await published(session, "trafficking", internal=is_internal(caller, tier))
    found = [each for each in known if each.period == period]
    if not found:
        for each in await visible(session, ANONYMOUS, programme="trafficking", period=period):
            await refuse_withdrawn(session, each.id)
        raise NOT_FOUND.because("no_trafficking_release_of_this_period")
    out = io.StringIO()
    writer = GuardedCsv(out, line_end="\n")
    writer.row(columns())
    try:
        rows = list(ctdc_rows(found[0].cube))
    except OutsideProgrammeError as error:
        raise outside(error, "/tier") from None
    writer.rows([row[name] for name in columns()] for row in rows)
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")
