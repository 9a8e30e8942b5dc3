"""The operator gets an e-mail when the second backup location is unplugged."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from common import clock
from common.db.session import Database
from common.messages.mail import Mail
from common.messages.mail import Relay as At
from common.process.telemetry import Metrics
from pydantic import ValidationError
from referrals.ground.keys.store import CaseKeys
from referrals.settings import Settings
from referrals.telling.evidence import Evidence
from referrals.telling.operator_mail_service import OperatorMail

from tests.support.channel_servers import LOGIN, relay


async def test_an_unplugged_second_place_is_mailed_once_a_day_while_it_lasts(
    settings: Settings,
    database: Database,
    case_keys: CaseKeys,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usb, noon = tmp_path / "usb", clock.now().replace(hour=16)
    own = settings.model_copy(
        update={
            "tombstone_file": tmp_path / "tombstones.jsonl", "audit_anchor_file": None,
            "second_places": str(usb), "operator_mail": "guardia@example.org",
        }
    )  # fmt: skip
    evidence = Evidence(own, database, case_keys, Metrics())
    async with relay(tmp_path) as (mailbox, trusted):
        password = LOGIN[1].replace(" ", "%20")
        url = f"smtp+starttls://{LOGIN[0]}:{password}@localhost:{mailbox.port}"
        operator = OperatorMail(own, evidence, Mail(At.at(url), "ruta@example.org", trusted))

        async def looked(at: int, *, plugged: bool) -> int:
            """Return the number of e-mails after the worker's round on that day."""
            monkeypatch.setattr(clock, "now", lambda: noon + timedelta(days=at))
            if plugged:
                usb.mkdir()
            await evidence.tell()
            await operator.look()
            await operator.look()
            return len(mailbox.mails)

        assert await looked(0, plugged=False) == 1
        assert await looked(1, plugged=False) == 2
        assert await looked(2, plugged=True) == 2, "it is back"
        first, second = mailbox.mails
        text = first.get_content()
        assert (first["To"], str(usb) in text) == ("guardia@example.org", True)
        assert all(said in text for said in ("solo en esta máquina", "on this machine alone"))
        assert first["Message-ID"] != second["Message-ID"]
        shutil.rmtree(usb)  # The copy may list people whom other tests erased.
        async with mailbox.away():
            assert await looked(3, plugged=False) == 2
        assert await looked(3, plugged=False) == 3, "a relay that was away is asked again"


def test_a_mailbox_without_a_relay_ends_the_start(settings: Settings) -> None:
    given = settings.model_dump() | {"operator_mail": "guardia@example.org"}
    with pytest.raises(ValidationError, match="RUTA_OPERATOR_MAIL needs a relay"):
        Settings(**given)
