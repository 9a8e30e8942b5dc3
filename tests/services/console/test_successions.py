"""The page where two people decide an organisation's successor, and the cases that wait for the person's answer."""

from pathlib import Path
from typing import Any

from console.texts import wording

from tests.services.console.answered import SOMEBODY, console
from tests.support.principals import organisation

PATH = "/directory/v1/successions"
ONE = "0190a000-0000-7000-8000-00000000dddd"
SALUD, LEGAL = str(organisation(2)), str(organisation(3))
PROPOSED: dict[str, Any] = {
    "id": ONE, "organisation_id": SALUD, "successor_id": LEGAL, "kind": "merged", "service_ids": [], "areas": [],
    "status": "proposed", "proposed_by": "somebody-else", "proposed_at": "2026-11-28T13:00:00Z",
    "decided_by": None, "decided_at": None,
}  # fmt: skip


async def test_who_proposed_is_shown_no_way_to_confirm(tmp_path: Path) -> None:
    say = wording("es")
    async with console(tmp_path) as pages:
        for by, buttons in (("somebody-else", 1), (SOMEBODY, 0)):
            found = {"items": [{**PROPOSED, "proposed_by": by}], "next_cursor": None}
            pages.api.instead[f"GET {PATH}"] = (200, found)
            shown = (await pages.open("/console/successions")).text
            assert shown.count(f'action="/console/successions/{ONE}/confirm"') == buttons
            assert shown.count(f'action="/console/successions/{ONE}/refuse"') == 1
        stays = (wording(language)("successions.stays") in shown for language in ("es", "en"))
        assert any(stays), "who decides reads what does not move"
        assert say("successions.other") in shown or wording("en")("successions.other") in shown


async def test_the_form_lists_the_services_of_the_chosen_organisation_by_name(
    tmp_path: Path,
) -> None:
    named = {"contents": [{"id": SALUD, "name": "Salud"}, {"id": LEGAL, "name": "Legal"}]}
    async with console(tmp_path) as pages:
        pages.api.instead[f"GET {PATH}"] = (200, {"items": [], "next_cursor": None})
        pages.api.instead["GET /directory/v1/organizations"] = (200, named)
        first = (await pages.open("/console/successions")).text
        assert 'name="from"' in first
        assert 'name="succession/service_ids[]"' not in first
        pages.api.instead["GET /directory/v1/services"] = (
            200,
            {"contents": [{"id": ONE, "name": "Consulta externa"}]},
        )
        then = (await pages.open(f"/console/successions?from={SALUD}")).text
        assert f'name="succession/organisation_id" value="{SALUD}"' in then
        assert "Consulta externa" in then
        assert "Zulia" in then


async def test_each_press_sends_what_the_page_says(tmp_path: Path) -> None:
    async with console(tmp_path) as pages:
        pages.api.instead[f"GET {PATH}"] = (200, {"items": [PROPOSED], "next_cursor": None})
        pages.api.instead[f"POST {PATH}/{ONE}/confirm"] = (200, PROPOSED)
        sent = await pages.send(f"/console/successions/{ONE}/confirm", {})
        assert (sent.status_code, sent.headers["location"]) == (303, "/console/successions")
        assert pages.api.asked[-1] == (f"POST {PATH}/{ONE}/confirm", {})
        pages.api.instead[f"POST {PATH}"] = (201, PROPOSED)
        typed = {
            "succession/organisation_id": SALUD,
            "succession/successor_id": LEGAL,
            "succession/kind": "split",
            "succession/areas[]": ["VE23", "VE07"],
        }
        sent = await pages.send("/console/successions/succession", typed)
        assert sent.status_code == 303
        assert pages.api.asked[-1] == (
            f"POST {PATH}",
            {
                "organisation_id": SALUD,
                "successor_id": LEGAL,
                "kind": "split",
                "areas": ["VE23", "VE07"],
            },
        )
        refused = {"code": "second_person_needed", "status": 403}
        pages.api.instead[f"POST {PATH}/{ONE}/confirm"] = (403, refused)
        again = await pages.send(f"/console/successions/{ONE}/confirm", {})
        assert again.status_code == 403


async def test_a_case_of_a_succession_is_taken_with_what_the_person_said(tmp_path: Path) -> None:
    offer = {
        "id": ONE, "case_id": SOMEBODY, "from_organisation": SALUD, "to_organisation": str(organisation(1)),
        "grant_id": "00000000-0000-0000-0000-000000000000", "asks": True, "state": "offered", "version": 1,
        "reason": None, "offered_at": "2026-11-28T13:00:00Z", "decided_at": None,
        "legal_transitions": ["accept", "decline"], "reference": "K7-ABCD", "offer": None,
    }  # fmt: skip
    path = f"/referrals/v1/transfers/{ONE}"
    async with console(tmp_path) as pages:
        pages.api.instead[f"GET {path}"] = (200, offer)
        shown = (await pages.open(f"/console/transfers/{ONE}")).text
        assert "K7-ABCD" in shown
        assert f'action="/console/transfers/{ONE}/take-asked"' in shown
        pages.api.instead[f"POST {path}/accept"] = (200, {**offer, "state": "accepted"})
        typed = {"take-asked/consent/decided_by": "person", "take-asked/consent/method": "verbal"}
        sent = await pages.send(f"/console/transfers/{ONE}/take-asked", typed)
        assert sent.status_code == 303
        said = {"consent": {"decided_by": "person", "method": "verbal"}}
        assert pages.api.asked[-1] == (f"POST {path}/accept", said)


async def test_the_accounts_take_the_name_of_the_directory(tmp_path: Path) -> None:
    one = {
        "id": SALUD,
        "name": "Salud",
        "active": True,
        "aors": [],
        "created_at": "2026-11-28T13:00:00Z",
    }
    names = {"organizations": [{"id": SALUD, "name": "Salud Nueva"}], "services": [], "areas": []}
    async with console(tmp_path) as pages:
        pages.api.instead[f"GET /identity/v1/organisations/{SALUD}"] = (200, one)
        pages.api.instead["POST /directory/v1/names"] = (200, names)
        shown = (await pages.open(f"/console/organisations/{SALUD}")).text
        assert '<input type="hidden" name="name" value="Salud Nueva">' in shown
        names["organizations"] = []
        shown = (await pages.open(f"/console/organisations/{SALUD}")).text
        assert 'type="hidden" name="name"' not in shown
        assert 'value="Salud"' in shown
