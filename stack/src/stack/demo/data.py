"""Loads the fictional Venezuelan demo services through the API, as a person would."""

import asyncio
import csv
import io
from datetime import UTC, date, datetime, timedelta

from common.clock import day_of
from directory.ground.demo_data import demo_services

from stack.embedded.connection import RunningStack
from stack.embedded.layout import Layout
from stack.errors import StackError

IMPORTER = "im-officer"
_VALID_DAYS = 90


async def load_demo_data(layout: Layout, url: str) -> None:
    """Load the demo services. A second call changes nothing, because the source and the external id identify the
    rows."""
    await asyncio.to_thread(_import_services, RunningStack(url, layout))


def freshly_verified(workbook: bytes, today: date) -> bytes:
    """Mark each row without a verification as verified today. Only recently verified services may receive referrals,
    and a fixed date in the file would become outdated."""
    rows = list(csv.DictReader(io.StringIO(workbook.decode())))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    until = today + timedelta(days=_VALID_DAYS)
    for row in rows:
        if not row["verified_at"]:
            row |= {"verified_at": today.isoformat(), "valid_until": until.isoformat()}
        writer.writerow(row)
    return out.getvalue().encode()


def _import_services(running: RunningStack) -> None:
    answer = running.request(
        IMPORTER,
        "POST",
        "/directory/v1/imports",
        params={"mode": "all", "source": "demo", "file_name": "demo.csv"},
        content=freshly_verified(demo_services(), day_of(datetime.now(UTC))),
        headers={"Content-Type": "text/csv"},
    )
    if answer.status_code not in (201, 202):
        raise StackError(
            "demo data was refused: HTTP {status} {answer}",
            status=answer.status_code,
            answer=answer.text[:300],
        )
