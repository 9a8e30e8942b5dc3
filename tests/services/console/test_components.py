"""The components that are not drawn by the design system's macros: what these would draw, but for indentation."""

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from console.screens import components
from jinja2 import Environment, PackageLoader, PrefixLoader
from markupsafe import Markup

NASTY = '<b> & "quoted" \''
Params = dict[str, Any]
BUTTONS: list[Params] = [
    {"text": "Enviar"},
    {"text": NASTY, "classes": ""},
    {"text": NASTY, "classes": NASTY},
    {"html": "Abrir <span>ya</span>", "classes": "", "name": None, "value": None},
    {"text": "Sí", "name": "active", "value": "true"},
    {"text": "Sí", "name": NASTY, "value": NASTY, "classes": "govuk-button--warning"},
    {"text": "Caso", "href": "/console/cases?a=1&b=2"},
    {"text": NASTY, "href": f"/{NASTY}", "classes": "govuk-button--secondary"},
]
TAGS: list[Params] = [{"text": "Enviada"}, {"text": NASTY, "classes": NASTY}]
BESIDE: list[Params] = [
    {"hint": hint, "errorMessage": wrong}
    for hint, wrong in product((None, {"text": NASTY}), repeat=2)
]
FIELDS: list[Params] = [{"id": "f-a", "name": NASTY, "label": {"text": NASTY}, **b} for b in BESIDE]
WAYS: Params = {"autocomplete": "off", "type": "text"}
INPUTS: list[Params] = [
    {**field, **WAYS, "value": value, "classes": classes, "inputmode": mode}
    for field in FIELDS
    for value, classes, mode in (("", "", None), (NASTY, "govuk-input--width-5", "numeric"))
]
AREAS: list[Params] = [
    {**field, "autocomplete": "off", "value": value, "rows": 4}
    for field, value in product(FIELDS, ("", NASTY))
]
OPTIONS = [("", ""), ("x", "Equis"), (NASTY, NASTY)]
SELECTS: list[Params] = [
    {**field, "items": [{"value": v, "text": t, "selected": v == now} for v, t in OPTIONS[first:]]}
    for field, now, first in product(FIELDS, ("", NASTY, "none"), (0, 3))
]
CHOICES: list[Params] = [
    {**beside, "idPrefix": "f-a", "name": NASTY, "classes": classes,
     "fieldset": {"legend": {"text": NASTY, **legend}},
     "items": [{"value": v, "text": t, "checked": v == now} for v, t in OPTIONS[1:]]}
    for beside, classes, legend, now in product(
        BESIDE, ("", "small"), ({}, {"classes": "govuk-visually-hidden"}), ("x", "none"))
]  # fmt: skip
Draw = Callable[[Params], Markup]
DRAWN: dict[str, tuple[Draw, str, list[Params]]] = {
    "button": (components.button, "govukButton", BUTTONS),
    "tag": (components.tag, "govukTag", TAGS),
    "input": (components.text_input, "govukInput", INPUTS),
    "textarea": (components.textarea, "govukTextarea", AREAS),
    "select": (components.select, "govukSelect", SELECTS),
    "radios": (components.radios, "govukRadios", CHOICES),
    "checkboxes": (components.checkboxes, "govukCheckboxes", CHOICES),
}


def without_indentation(html: object) -> str:
    return re.sub(r"\s*\n\s*", "", str(html))


@pytest.mark.parametrize("component", DRAWN)
def test_it_is_that_of_the_design_system(component: str) -> None:
    draw, name, cases = DRAWN[component]
    loader = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    theirs = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    path = f"govuk_frontend_jinja/components/{component}/macro.html"
    macro = getattr(theirs.get_template(path).module, name)
    for params in cases:
        assert without_indentation(draw(params)) == without_indentation(macro(params)), params


def test_what_was_typed_in_lines_stays_in_lines() -> None:
    typed = "uno\n  dos\n\ntres"
    assert f">{typed}</textarea>" in components.textarea({**AREAS[0], "value": typed})


@pytest.mark.parametrize("component", DRAWN)
def test_what_only_the_macro_knows_is_not_left_out_in_silence(component: str) -> None:
    draw, _, cases = DRAWN[component]
    with pytest.raises(TypeError, match="attributes"):
        draw({**cases[0], "attributes": {"data-x": "y"}})
