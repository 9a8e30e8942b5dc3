"""The design uses GOV.UK's style sheet without the parts that only GOV.UK may use."""

import hashlib
import re

import pytest
from console import assets

from tests.support.reference import ROOT

STATIC = ROOT / "services/console/src/console/static"
# The digest of the output of `python -m console.assets govuk-frontend-6.6.0.tgz`.
STORED = "a8263c2363696fa330426726b8206a6d25584e20c11156dbc630395ab28b89f7"


def test_the_style_sheet_is_what_the_transformation_made() -> None:
    content = (STATIC / "govuk.css").read_bytes()
    assert hashlib.sha256(content).hexdigest() == STORED
    assert assets.unbranded(content.decode()) == content.decode(), "done twice it changes nothing"


def test_it_has_neither_the_font_nor_the_crest_and_loads_nothing() -> None:
    for name, content in assets.contents().items():
        text = content.decode()
        assert not re.search(r"GDS Transport|crest|@import|url\((?!data:)", text), name


def test_the_transformation_takes_away_the_marks_and_leaves_the_rest() -> None:
    before = (
        "@font-face{font-family:GDS Transport;src:url(/assets/fonts/light.woff2)}a{color:red;"
        'font-family:"GDS Transport",arial,sans-serif}.govuk-footer__copyright-logo:before{content:"";'
        "background-image:url(/assets/images/govuk-crest.svg)}b{color:blue}"
    )
    assert assets.unbranded(before) == "a{color:red;font-family:system-ui,sans-serif}b{color:blue}"


def test_a_mark_that_it_does_not_know_stops_it() -> None:
    with pytest.raises(ValueError, match="/assets/"):
        assets.unbranded("c{background:url(/assets/images/new.svg)}")


def test_the_licence_lies_beside_it() -> None:
    text = (STATIC / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert "MIT License" in text
    assert "govuk-frontend` 6.6.0" in text
