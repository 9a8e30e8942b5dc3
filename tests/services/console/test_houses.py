"""The page of possible safe houses: what a person reads before deciding, and what one press sends."""

from pathlib import Path

from console.texts import wording

from tests.services.console.answered import AWAY, console

HOUSE = "0190a000-0000-7000-8000-00000000cccc"
WAITING = {
    "id": HOUSE, "kind": "service", "name": "Casa Luz", "organisation_id": HOUSE, "organisation": "Red Rosa",
    "visibility": "public", "words": ["casa", "maltratadas"], "since": "2026-11-28T13:00:00Z",
}  # fmt: skip
PATH = "/directory/v1/records/houses"
LISTED = {"items": [WAITING], "next_cursor": None}


async def test_one_press_answers_with_the_words_that_were_seen(tmp_path: Path) -> None:
    say = wording("en")
    async with console(tmp_path) as pages:
        pages.api.instead[f"GET {PATH}"] = (200, LISTED)
        pages.api.instead[f"POST {PATH}/{HOUSE}"] = (204, None)
        shown = (await pages.open("/console/houses")).text
        for read in ("Casa Luz", "Red Rosa", "casa, maltratadas", say("visibility.public")):
            assert read in shown
        assert (shown.count(f'action="/console/houses/{HOUSE}"'), "<script>" in shown) == (1, False)
        for press in ("true", "false"):
            sent = await pages.send(
                f"/console/houses/{HOUSE}", {"words[]": WAITING["words"], "is_house": press}
            )
            assert (sent.status_code, sent.headers["location"]) == (303, "/console/houses")
            said = {"is_house": press, "words": WAITING["words"]}
            assert pages.api.asked[-1] == (f"POST {PATH}/{HOUSE}", said)
        # A press without an answer must not count, because "no" would publish the place.
        await pages.send(f"/console/houses/{HOUSE}", {"words[]": ["casa"]})
        assert pages.api.asked[-1][1] == {"words": ["casa"]}
        pages.api.instead[f"POST {PATH}/{HOUSE}"] = (409, {"code": "conflict", "status": 409})
        again = await pages.send(
            f"/console/houses/{HOUSE}", {"words[]": ["casa"], "is_house": "false"}
        )
        assert (again.status_code, "Casa Luz" in again.text) == (409, True)
        pages.api.instead[f"GET {PATH}"] = AWAY
        assert say("houses.none") not in (await pages.open("/console/houses")).text
