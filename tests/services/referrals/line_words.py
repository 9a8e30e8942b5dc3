"""Helpers for tests of the anonymous line."""

from typing import Any

from httpx import Response

from tests.services.referrals.story import LEGAL, Story

TEXT = "En una finca cerca del río retienen a siete personas y les quitaron los papeles."
TIP, GBV = "tip-coordinator", "gbv-coordinator"


class Reporter:
    """A person without an account; after `report` they have only the receipt."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.receipt = ""

    async def form(self, *, filled_in_seconds: float = 60) -> str:
        """Return a form that was fetched some time ago."""
        from datetime import timedelta

        from common import clock

        with clock.shifted(timedelta(seconds=-filled_in_seconds)):
            answer = await self.story.get("anonymous", "/line/form")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["form"])

    async def send(self, **changes: Any) -> Response:
        body = {
            "form": changes.pop("form", None) or await self.form(),
            "kind": "trafficking",
            "text": TEXT,
            "area": "VE2313",
            **changes,
        }
        return await self.story.post("anonymous", "/line/reports", body)

    async def report(self, **changes: Any) -> dict[str, Any]:
        """Send a report; return it as the coordinators' queue shows it."""
        answer = await self.send(**changes)
        assert answer.status_code == 201, answer.text
        self.receipt = answer.json()["receipt"]
        rows = await self.story.rows("SELECT id FROM line_reports ORDER BY received_at, id")
        return {"id": str(rows[-1].id)}

    async def do(self, what: str, **body: Any) -> Response:
        return await self.story.post(
            "anonymous", f"/line/threads/{what}", {"receipt": self.receipt, **body}
        )

    async def thread(self) -> list[tuple[str, str]]:
        answer = await self.do("open")
        assert answer.status_code == 200, answer.text
        return [(m["author"], m["text"]) for m in answer.json()["messages"]]


async def handed_over(story: Story, reporter: Reporter, **changes: Any) -> str:
    """Return the id of a report handed to the legal organisation, as its reporter wanted."""
    await story.service(LEGAL)
    report = await reporter.report(wants_case=True, **changes)
    await story.made(
        TIP, f"/line/reports/{report['id']}/hand-over", {"organisation_id": str(LEGAL)}
    )
    return str(report["id"])
