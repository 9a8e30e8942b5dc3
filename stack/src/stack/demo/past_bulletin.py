"""The bulletin of the demo's last half month, with institutions, judgements and milestones. All its content is made up;
the texts are in context.json."""

from typing import Any

from common.words.tables import tree

from stack.demo.story import IM
from stack.demo.storyteller import Storyteller
from stack.texts import said

ANALYSIS = "trata-demo"
COORDINATOR = "tip-coordinator"
_CONTEXT = "/reports/v1/context"
_BULLETINS = "/reports/v1/bulletins"
_ALONE = {"highlights", "challenges", "practices", "next-steps", "contacts"}
"""Texts that belong to no section with numbers."""


def tell_context(tell: Storyteller, year: int, period: str) -> None:
    """Add the letterhead, two institutions, a problem tree and a SWOT that a second person approved, and two
    milestones."""
    texts = _texts()
    if "country" not in tell.call(
        said("The IM officer looks for a letterhead"),
        *(IM, "GET", f"{_BULLETINS}/letterhead"),
        expect=(200, 404),
    ):
        tell.call(
            said("The IM officer says who issues the bulletins"),
            *(IM, "PUT", f"{_BULLETINS}/letterhead"),
            json=texts["letterhead"],
            expect=200,
        )
    for body in texts["institutions"]:
        tell.call(
            said("The coordinator lists {code}", code=body["code"]),
            *(COORDINATOR, "POST", f"{_CONTEXT}/stakeholders"),
            json=body,
            expect=(201, 409),
        )
    if not tell.get(IM, f"{_CONTEXT}/statements", {"analysis": ANALYSIS})["items"]:
        _judge(tell, texts["statements"], period)
    if not tell.get(IM, f"{_CONTEXT}/milestones", {"plan": str(year)})["items"]:
        for body in texts["milestones"]:
            tell.call(
                said("The coordinator sets a milestone"),
                *(COORDINATOR, "POST", f"{_CONTEXT}/milestones"),
                json=body | {"plan": str(year), "due": f"{year}-{body['due']}"},
                expect=201,
            )


def _judge(tell: Storyteller, statements: list[dict[str, Any]], period: str) -> None:
    """Add judgements. Each is based on a referral figure of the bulletin's period, or on people's own judgement."""
    asked = {"programme": "referrals", "period": period}
    published = tell.get(IM, "/reports/v1/releases", asked)["items"]
    newest = next(each["id"] for each in published if each["status"] == "published")
    core = None
    for each in statements:
        place = each["place"]
        basis = {"kind": "judgement"}
        if "where" in each:
            basis = {"kind": "figure", "release": newest, "where": each["where"]}
        made = tell.call(
            said("The coordinator writes under {place}", place=place),
            *(COORDINATOR, "POST", f"{_CONTEXT}/statements"),
            json={
                "analysis": ANALYSIS,
                "place": place,
                "parent": core if place in {"cause", "effect"} else None,
                "text": each["text"],
                "basis": [basis],
            },
            expect=201,
        )
        core = made["id"] if place == "core-problem" else core
        tell.call(
            said("The IM officer agrees to the text that they read"),
            *(IM, "POST", f"{_CONTEXT}/statements/{made['id']}/agreement"),
            if_match=f'"{made["version"]}"',
            json={},
            expect=200,
        )


def publish(tell: Storyteller, period: str) -> None:
    """Draft, write, sign off and publish the bulletin. A bulletin that is already public remains unchanged."""
    known = tell.get(IM, _BULLETINS, {"kind": "biweekly", "limit": 200})["items"]
    if any(each["period"] == period and each["state"] == "published" for each in known):
        return
    draft: dict[str, Any] = tell.call(
        said("The IM officer drafts the bulletin of {period}", period=period),
        *(IM, "POST", _BULLETINS),
        json={"period": period, "beside": ["stakeholders", "milestones"], "analysis": ANALYSIS},
        expect=201,
    )
    url = f"{_BULLETINS}/{draft['id']}"
    sections = {section["id"] for section in tell.get(IM, url)["content"]["sections"]}
    written = tell.call(
        said("The coordinator writes what the numbers do not say"),
        *(COORDINATOR, "PUT", f"{url}/words"),
        json={"texts": {n: t for n, t in _texts()["words"].items() if n in sections | _ALONE}},
        expect=200,
    )
    tell.call(
        said("The coordinator signs it off"),
        *(COORDINATOR, "POST", f"{url}/sign-off"),
        json={"content_sha256": written["content_sha256"]},
        expect=200,
    )
    tell.call(
        said("The IM officer publishes it"), *(IM, "POST", f"{url}/publish"), json={}, expect=200
    )


def _texts() -> dict[str, Any]:
    texts: dict[str, Any] = tree("stack.demo", "context")
    return texts
