"""Organisations get reminders in time through a real mail relay, and no e-mail names anything hidden."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from common import clock
from common.crypto import key_from_base64
from common.db.session import Database
from common.messages.mail import Mail
from common.messages.mail import Relay as RelayAddress
from common.messages.retries import PAUSES
from directory.curation.message_ids import Names
from directory.curation.reminder_mails import write_due
from directory.curation.sweep import mark_stale, remind
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_
from tests.support.channel_servers import LOGIN, Relay, relay
from tests.support.principals import organisation
from tests.support.returned_mails import report
from tests.support.rights import told

FRONT = "https://ruta.example.org"
MAILBOX = "directorio@salud.example.org"


@dataclass
class World:
    database: Database
    mail: Mail
    relay: Relay
    names: Names

    async def reminded(self, days: int = 14) -> None:
        async with self.database.transaction() as session:
            await mark_stale(session)
            await remind(session, days)

    async def written(self) -> list[str]:
        while await write_due(self.database, self.mail, self.names, FRONT):
            pass
        return [mail["To"] for mail in self.relay.mails]


@pytest.fixture
async def world(database: Database, api: AsyncClient, tmp_path: Path) -> AsyncIterator[World]:
    async with relay(tmp_path) as (server, trusted):
        url = f"smtp+starttls://{LOGIN[0]}:{LOGIN[1].replace(' ', '%20')}@localhost:{server.port}"
        mail = Mail(RelayAddress.at(url), "ruta@ruta.example.org", trusted)
        key = cast("Any", api)._transport.app.state.context.settings.stored_result_key
        names = Names(key_from_base64(key.get_secret_value()))
        yield World(database, mail, server, names)


def due(name: str, days: int = 3, **changes: Any) -> dict[str, Any]:
    until = clock.today() + timedelta(days=days)
    offering = {
        "id": str(organisation(2)),
        "name": "Salud para Todas",
        "description": "x",
        "email": MAILBOX,
        **changes.pop("organization", {}),
    }
    verification = {"valid_until": until.isoformat()}
    return {"name": name, "verification": verification, "organization": offering, **changes}


async def test_an_organisation_is_written_to_once_and_again_when_it_has_run_out(
    world: World, publish: Publish
) -> None:
    await publish(**due("Consulta de los lunes"))
    await publish(**due("Apoyo de noche"))
    assert await world.written() == []
    await world.reminded()
    assert await world.written() == [MAILBOX]
    text = world.relay.mails[0].get_content()
    assert "- Apoyo de noche: " in text
    assert "- Consulta de los lunes: " in text
    assert text.count(FRONT) == 2  # In both languages.
    assert await world.written() == [MAILBOX]
    with clock.shifted(timedelta(days=4)):
        await world.reminded()
        assert await world.written() == [MAILBOX] * 2


async def test_nothing_hidden_is_named_and_no_hidden_organisation_is_written_to(
    world: World, publish: Publish
) -> None:
    await publish(**due("Casa escondida", visibility="pathway"))
    await world.reminded()
    assert await world.written() == [MAILBOX]
    assert "escondida" not in world.relay.mails[0].as_string()
    hidden = {"id": str(organisation(3)), "visibility": "pathway", "email": "casa@example.org"}
    await publish(**due("Otra casa", visibility="pathway", organization=hidden))
    await world.reminded()
    with clock.shifted(timedelta(days=2)):
        assert await world.written() == [MAILBOX]


async def test_a_suspended_organisation_is_not_written_to_until_that_has_ended(
    world: World, api: AsyncClient, publish: Publish
) -> None:
    await publish(**due("Consulta"))
    await world.reminded()
    await told(api, "directory", suspended={"organisation": [str(organisation(2))]})
    assert await world.written() == []
    await told(api, "directory")
    assert await world.written() == [MAILBOX]


async def test_what_was_verified_meanwhile_is_not_told(
    world: World, api: AsyncClient, publish: Publish
) -> None:
    own = await publish(**due("Consulta"))
    await world.reminded()
    path = f"{V1}/records/services/{own}/verify"
    assert (await api.post(path, json={}, headers=as_("ngo-salud"))).status_code == 200
    assert await world.written() == []


async def test_a_refused_mailbox_is_left_alone_until_it_changes(
    world: World, publish: Publish
) -> None:
    await publish(**due("Consulta"))
    await world.reminded()
    world.relay.greylisted.add(MAILBOX)
    assert await world.written() == []
    world.relay.refused[MAILBOX] = "550 5.1.1 no such user"
    with clock.shifted(timedelta(seconds=PAUSES[0] * 2)):
        assert await world.written() == []
    world.relay.refused.clear()
    with clock.shifted(timedelta(days=4)):
        await world.reminded()
        assert await world.written() == []


async def bounce(api: AsyncClient, text: str, who: str = "im-officer") -> int:
    path = f"{V1}/records/reminders/bounces"
    answer = await api.post(path, json={"message": text}, headers=as_(who))
    assert MAILBOX not in answer.text
    return answer.status_code


async def refusing(api: AsyncClient, who: str) -> list[bool]:
    answer = await api.get(f"{V1}/records/reminders?of=curated", headers=as_(who))
    return [each["mailbox_refused"] for each in answer.json()["items"]]


async def test_a_mail_that_comes_back_later_is_told_to_whoever_curates_the_entry(
    world: World, api: AsyncClient, publish: Publish
) -> None:
    await publish(**due("Consulta"))
    await world.reminded()
    world.relay.greylisted.add(MAILBOX)
    await world.written()
    with clock.shifted(timedelta(seconds=PAUSES[0] * 2)):
        assert await world.written() == [MAILBOX]
    mail = world.relay.mails[0]
    for harmless in (report(mail, "4.4.1"), report(mail, "5.7.1"), report(mail, action="delayed")):
        assert await bounce(api, harmless) == 204
    assert await bounce(api, mail.as_string()) == 422  # Not a delivery report.
    assert await bounce(api, report(mail), "ngo-salud") == 403
    forged = EmailMessage()  # The forger knows the organisation's id but not the e-mail's.
    forged["Message-ID"] = f"<{organisation(2)}.1.{'0' * 32}@ruta.example.org>"
    assert await bounce(api, report(forged)) == 204
    for who in ("gbv-coordinator", "ngo-salud"):
        assert await refusing(api, who) == [False]
    assert await bounce(api, report(mail)) == 204
    for who in ("gbv-coordinator", "ngo-salud"):
        assert await refusing(api, who) == [True]
    with clock.shifted(timedelta(days=4)):
        await world.reminded()
        assert await world.written() == [MAILBOX]
        path = f"{V1}/records/organizations/{organisation(2)}"
        shown = await api.get(path, headers=as_("ngo-salud"))
        body = {"name": "Salud", "description": "x", "email": "otra@salud.example.org"}
        headers = {**as_("ngo-salud"), "If-Match": shown.headers["etag"]}
        assert (await api.put(path, json=body, headers=headers)).status_code == 200
        assert True not in await refusing(api, "gbv-coordinator")
        assert await bounce(api, report(mail)) == 204  # From the former mailbox.
        assert True not in await refusing(api, "gbv-coordinator")
    with clock.shifted(timedelta(days=8)):
        await publish(**due("Otra consulta"))
        await world.reminded()
        assert await world.written() == [MAILBOX, "otra@salud.example.org"]
