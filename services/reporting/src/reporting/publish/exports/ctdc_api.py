"""Trafficking statistics over HTTP: the CTDC columns. Counts and flows are asked as releases."""

import io
from typing import Annotated

from common.auth import Principal
from common.errors import NOT_FOUND
from common.http import Session, answered_as, open_to_all, router
from common.tables_io.cells import GuardedCsv
from fastapi import Path
from starlette.responses import Response

from reporting.protect.releases.queries import published
from reporting.publish.exports.ctdc import columns, ctdc_rows

routes = router("/reports/v1/trafficking", ["releases"])

Reader = Annotated[Principal, open_to_all()]
Period = Annotated[str, Path(max_length=10, examples=["2026-Q3"])]


@routes.get("/{period}/ctdc", **answered_as("text/csv"))
async def read_ctdc(_caller: Reader, session: Session, period: Period) -> Response:
    """A published trafficking release as CSV in CTDC's columns, with a protected `count`."""
    found = [each for each in await published(session, "trafficking") if each.period == period]
    if not found:
        raise NOT_FOUND.because("no_trafficking_release_of_this_period")
    out = io.StringIO()
    writer = GuardedCsv(out, line_end="\n")
    writer.row(columns())
    writer.rows([row[name] for name in columns()] for row in ctdc_rows(found[0].cube))
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")
