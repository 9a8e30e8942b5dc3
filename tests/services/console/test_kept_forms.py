"""The console stores a refused form in a sealed cookie: who can open it, for how long, and what it contains."""

import base64
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from common import clock
from common.pages.kept_forms import COOKIES
from httpx import Response

from tests.services.console.answered import AWAY, Console, console

NEW, NAME = "/console/cases/new", "Kwyjibonia"
REFUSED = (422, {"code": "invalid", "status": 422, "errors": [{"pointer": "/area", "code": "missing"}]})  # fmt: skip


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as opened:
        opened.api.instead["POST /referrals/v1/cases"] = REFUSED
        yield opened


def cookie_of(answer: Response) -> Morsel[str]:
    return SimpleCookie(answer.headers["set-cookie"])[COOKIES[0]]


async def refused(pages: Console, key: str, name: str = NAME) -> str:
    """Return the address that shows the refused form again."""
    answer = await pages.post(NEW, {"identity/name": name}, key=key)
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_a_refused_form_is_shown_again_by_an_address_that_says_nothing(
    pages: Console,
) -> None:
    key = str(uuid4())
    there = await refused(pages, key)
    assert (urlsplit(there).path, parse_qs(urlsplit(there).query)) == (NEW, {"form": [key]})
    for _ in range(2):  # The second request is a reload, or a retry after a lost response.
        shown = await pages.open(there)
        assert shown.status_code == 422
        assert f'value="{NAME}"' in shown.text
        assert 'class="govuk-error-summary"' in shown.text
        assert f'name="key" value="{key}"' in shown.text, "the same command"
    assert [asked for asked, _ in pages.api.asked].count("POST /referrals/v1/cases") == 1


async def test_the_cookie_is_sealed_bounded_and_sent_to_its_page_alone(tmp_path: Path) -> None:
    async with console(tmp_path, public_url="https://ruta.example") as pages:
        pages.api.instead["POST /referrals/v1/cases"] = REFUSED
        answer = await pages.post(NEW, {"identity/name": NAME}, key=str(uuid4()))
        made = cookie_of(answer)
        flags = [made[each] for each in ("path", "max-age", "samesite", "httponly", "secure")]
        assert flags == [NEW, "600", "strict", True, True]
        opened = base64.urlsafe_b64decode(made.value + "=" * (-len(made.value) % 4))
        assert NAME.encode() not in opened
        long = " ".join(str(uuid4()) for _ in range(500))
        answer = await pages.post(NEW, {"identity/name": long}, key=str(uuid4()))
        assert (answer.status_code, "set-cookie" in answer.headers) == (422, False)
        assert long in answer.text, "too long for cookies: nothing is lost"


async def test_a_long_text_has_an_address_of_its_own_and_is_forgotten_whole(
    pages: Console,
) -> None:
    long = " ".join(str(uuid4()) for _ in range(140))
    key = str(uuid4())
    there = await refused(pages, key, long)
    assert {cookie.name for cookie in pages.http.cookies.jar} == set(COOKIES)
    assert long in (await pages.open(there)).text
    await refused(pages, str(uuid4()), "Short")
    assert long not in (await pages.open(there)).text
    del pages.api.instead["POST /referrals/v1/cases"]
    done = await pages.post(NEW, {"identity/name": NAME}, key=key)
    assert done.status_code == 303
    assert list(pages.http.cookies.jar) == []


async def test_what_nobody_answered_has_an_address_of_its_own_too(pages: Console) -> None:
    pages.api.instead["POST /referrals/v1/cases"] = AWAY
    key = str(uuid4())
    shown = await pages.open(await refused(pages, key))
    assert shown.status_code == 503
    assert NAME in shown.text
    assert f'name="key" value="{key}"' in shown.text


async def test_nobody_else_reads_it_and_nobody_after_ten_minutes(pages: Console) -> None:
    there = await refused(pages, str(uuid4()))
    mine = pages.http.headers["Ruta-Csrf"]
    pages.http.headers["Ruta-Csrf"] = "of-the-next-session-at-this-computer"
    assert NAME not in (await pages.open(there)).text
    pages.http.headers["Ruta-Csrf"] = mine
    assert NAME not in (await pages.open(f"{NEW}?form={uuid4()}")).text, "another form"
    assert NAME in (await pages.open(there)).text
    with clock.shifted(timedelta(minutes=11)):
        assert NAME not in (await pages.open(there)).text


async def test_a_form_that_was_carried_out_leaves_nothing_but_its_number(pages: Console) -> None:
    key = str(uuid4())
    there = await refused(pages, key)
    del pages.api.instead["POST /referrals/v1/cases"]
    done = await pages.post(NEW, {"identity/name": NAME}, key=key)
    assert done.status_code == 303
    assert cookie_of(done)["max-age"] == "0"
    shown = await pages.open(there)
    assert (shown.status_code, NAME in shown.text) == (200, False)
    assert f'name="key" value="{key}"' in shown.text, "sent again it is the same command"
    # A form with other data is a new form, and the page says so before sending it.
    pages.api.instead["POST /referrals/v1/cases"] = (
        422, {"code": "idempotency_key_reused", "status": 422},
    )  # fmt: skip
    again = await pages.send(NEW, {"identity/name": "Other"}, key=key)
    assert "already sent with different data" in again.text
    next_key = re.search(r'name="key" value="([^"]+)"', again.text)
    assert next_key
    assert next_key[1] != key


async def test_an_address_without_a_number_of_a_form_is_refused(pages: Console) -> None:
    assert (await pages.open(f"{NEW}?form=Kwyjibonia")).status_code == 422
