"""Pages that are made from the code are up to date, and no setting goes without a word."""

import json

from common.events.catalogue import asyncapi
from stack import settings_page

from tests.support.reference import ROOT


def test_every_setting_is_described() -> None:
    assert settings_page.undocumented() == []


def test_the_settings_page_is_up_to_date() -> None:
    stored = (ROOT / "docs" / "settings.md").read_text()
    assert stored == settings_page.page(), "./ruta docs settings > docs/settings.md"


def test_the_asyncapi_document_is_up_to_date() -> None:
    stored = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    assert stored == json.loads(json.dumps(asyncapi())), "./ruta docs events > docs/asyncapi.json"
