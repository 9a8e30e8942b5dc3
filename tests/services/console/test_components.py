"""The components that are not drawn by the design system's macros: letter for letter what these would draw."""

from typing import Any

import pytest
from console.screens import components
from jinja2 import Environment, PackageLoader, PrefixLoader

NASTY = '<b> & "quoted" \''
SAID: list[dict[str, str | None]] = [
    {"text": "Enviar"},
    {"text": NASTY, "classes": ""},
    {"text": "Enviar", "classes": "govuk-button--secondary"},
    {"text": NASTY, "classes": NASTY},
    {"html": "Abrir <span>ya</span>", "classes": "", "name": None, "value": None},
]
BUTTONS: list[dict[str, str | None]] = [
    *SAID,
    {"text": "Sí", "name": "active", "value": "true"},
    {"text": "Sí", "name": NASTY, "value": NASTY, "classes": "govuk-button--warning"},
    {"text": "Caso", "href": "/console/cases?a=1&b=2"},
    {"text": NASTY, "href": f"/{NASTY}", "classes": "govuk-button--secondary"},
]


@pytest.fixture(scope="module")
def theirs() -> Environment:
    loader = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)


def drawn(theirs: Environment, component: str, name: str, params: Any) -> str:
    path = f"govuk_frontend_jinja/components/{component}/macro.html"
    return str(getattr(theirs.get_template(path).module, name)(params))


@pytest.mark.parametrize("params", BUTTONS)
def test_a_button_is_that_of_the_design_system(
    theirs: Environment, params: dict[str, str | None]
) -> None:
    assert components.button(params) == drawn(theirs, "button", "govukButton", params)


@pytest.mark.parametrize("params", SAID)
def test_a_tag_is_that_of_the_design_system(
    theirs: Environment, params: dict[str, str | None]
) -> None:
    assert components.tag(params) == drawn(theirs, "tag", "govukTag", params)


def test_what_only_the_macro_knows_is_not_left_out_in_silence() -> None:
    with pytest.raises(TypeError, match="attributes"):
        components.button({"text": "Enviar", "attributes": "x"})
