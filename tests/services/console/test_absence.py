"""On their notices page, people enter when they will be away and when they are back."""

from datetime import timedelta
from pathlib import Path

from common import clock
from console.texts import wording

from tests.services.console.answered import console

PATH = "/referrals/v1/channels/away"


async def test_a_person_says_from_when_until_when_they_are_away(tmp_path: Path) -> None:
    today = clock.today()
    days = {"away_from": str(today), "away_until": str(today + timedelta(days=9))}
    over = {name: str(today - timedelta(days=9)) for name in days}
    told = wording("en")("channels.away_now", first="{}", last="{}").split("{}")[-1]
    async with console(tmp_path) as pages:
        for said, shown in ((days, True), (over, False), (dict.fromkeys(days), False)):
            pages.api.instead[f"GET {PATH}"] = (200, said)
            assert (told in (await pages.open("/console/channels")).text) is shown
        pages.api.instead[f"PUT {PATH}"] = (200, days)
        for typed in (days, {}):
            form = {f"away/{name}": value for name, value in typed.items()}
            sent = await pages.send("/console/channels/away", form)
            assert (sent.status_code, sent.headers["location"]) == (303, "/console/channels")
            assert pages.api.asked[-1] == (f"PUT {PATH}", typed)
        pages.api.instead[f"GET {PATH}"] = (503, {"code": "unavailable", "status": 503})
        assert (await pages.open("/console/channels")).status_code == 200
