"""Pages that are made from the code are up to date, and no setting goes without a word."""

import json

import pytest
from common.events.catalogue import asyncapi
from stack import floors_map, settings_page

from tests.support.reference import ROOT


def test_every_setting_is_described() -> None:
    assert settings_page.undocumented() == []


def test_the_settings_page_is_up_to_date() -> None:
    stored = (ROOT / "docs" / "settings.md").read_text()
    assert stored == settings_page.page(), "./ruta docs settings > docs/settings.md"


def test_the_asyncapi_document_is_up_to_date() -> None:
    stored = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    assert stored == json.loads(json.dumps(asyncapi())), "./ruta docs events > docs/asyncapi.json"


def test_the_map_of_floors_is_up_to_date() -> None:
    assert floors_map.is_up_to_date(ROOT), "./ruta docs floors"
    assert {"referrals", "the issuer"} <= floors_map.floors(ROOT).keys()


def test_a_capability_that_moves_makes_the_map_stale() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    moved = {**floors_map.floors(ROOT), "referrals": [["cases"], ["referrals"]]}
    assert floors_map.with_map(page, moved) != page
    with pytest.raises(ValueError, match="lacks"):
        floors_map.with_map("A page without a map.", moved)
