"""The components of the design system that stand many times on a page, as its macros write them, but for indentation. Pure.

The macros look at some forty parameters that nobody gives, each through templates of its own: they took most of the time
of a page with a form. A test holds the two equal. What these do not know the macros are there for.
"""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

Params = Mapping[str, Any]


def button(params: Params) -> Markup:
    """A link that looks like a button if it has an `href`. `html`: trusted markup of the caller."""
    _know(params, "text", "html", "classes", "href", "name", "value")
    said = params.get("html") or escape(params["text"])
    shared = f'{_class("govuk-button", params.get("classes"))} data-module="govuk-button"'
    if href := params.get("href"):
        opened = f'<a href="{escape(href)}" role="button" draggable="false"{shared}>'
        return _markup(f"{opened}{said}</a>")
    sent = _attributes(value=params.get("value") or None, name=params.get("name") or None)
    return _markup(f'<button type="submit"{sent}{shared}>{said}</button>')


def tag(params: Params) -> Markup:
    _know(params, "text", "classes")
    opened = f"<strong{_class('govuk-tag', params.get('classes'))}>"
    return _markup(f"{opened}{escape(params['text'])}</strong>\n")


_FIELD = ("id", "name", "label", "hint", "errorMessage")


def text_input(params: Params) -> Markup:
    _know(params, *_FIELD, "value", "classes", "autocomplete", "inputmode", "type")
    described, beside = _beside(params, params["id"])
    own = _own("govuk-input", params, params["classes"])
    more = _attributes(
        type=params["type"],
        value=params["value"],
        aria_describedby=described,
        autocomplete=params["autocomplete"],
        inputmode=params["inputmode"],
    )
    return _field(params, beside, f"<input{own}{more}>")


def textarea(params: Params) -> Markup:
    _know(params, *_FIELD, "value", "rows", "autocomplete")
    described, beside = _beside(params, params["id"])
    more = _attributes(
        rows=params["rows"], aria_describedby=described, autocomplete=params["autocomplete"]
    )
    opened = f"<textarea{_own('govuk-textarea', params)}{more}>"
    return _field(params, beside, f"{opened}{escape(params['value'])}</textarea>")


def select(params: Params) -> Markup:
    _know(params, *_FIELD, "items")
    described, beside = _beside(params, params["id"])
    options = "".join(
        f'<option value="{escape(one["value"])}"{" selected" if one.get("selected") else ""}>'
        f"{escape(one['text'])}</option>"
        for one in params["items"]
    )
    opened = f"<select{_own('govuk-select', params)}{_attributes(aria_describedby=described)}>"
    return _field(params, beside, f"{opened}{options}</select>")


def radios(params: Params) -> Markup:
    return _choices(params, "radios", "radio")


def checkboxes(params: Params) -> Markup:
    return _choices(params, "checkboxes", "checkbox")


def _choices(params: Params, component: str, kind: str) -> Markup:
    _know(params, "idPrefix", "name", "items", "classes", "fieldset", "hint", "errorMessage")
    described, beside = _beside(params, params["idPrefix"])
    block, shown = f"govuk-{component}", []
    for number, one in enumerate(params["items"], 1):
        id_ = params["idPrefix"] + (f"-{number}" if number > 1 else "")
        given = _attributes(id=id_, name=params["name"], type=kind, value=one["value"])
        shown.append(
            f'<div class="{block}__item"><input class="{block}__input"{given}'
            f"{' checked' if one.get('checked') else ''}>"
            f'<label class="govuk-label {block}__label"{_attributes(for_=id_)}>'
            f"{escape(one['text'])}</label></div>"
        )
    legend = params["fieldset"]["legend"]
    return _markup(
        f'{_group(params)}<fieldset class="govuk-fieldset"{_attributes(aria_describedby=described)}>'
        f"<legend{_class('govuk-fieldset__legend', legend.get('classes'))}>{escape(legend['text'])}"
        f'</legend>{beside}<div{_class(block, params.get("classes"))} data-module="{block}">'
        f"{''.join(shown)}</div></fieldset></div>\n"
    )


def _field(params: Params, beside: str, control: str) -> Markup:
    label = f'<label class="govuk-label"{_attributes(for_=params["id"])}>'
    said = f"{label}{escape(params['label']['text'])}</label>"
    return _markup(f"{_group(params)}{said}{beside}{control}</div>\n")


def _group(params: Params) -> str:
    wrong = "govuk-form-group--error" if params["errorMessage"] else None
    return f"<div{_class('govuk-form-group', wrong)}>"


def _own(block: str, params: Params, classes: str | None = None) -> str:
    """Attributes of every control."""
    if params["errorMessage"]:
        classes = f"{classes} {block}--error" if classes else f"{block}--error"
    return _class(block, classes) + _attributes(id=params["id"], name=params["name"])


def _beside(params: Params, id_: str) -> tuple[str | None, str]:
    """Hint and error: their ids, for the control that they describe, and their markup."""
    ids, shown = [], ""
    if hint := params["hint"]:
        ids.append(f"{id_}-hint")
        shown += f'<div{_attributes(id=ids[-1])} class="govuk-hint">{escape(hint["text"])}</div>'
    if wrong := params["errorMessage"]:
        ids.append(f"{id_}-error")
        shown += (
            f'<p{_attributes(id=ids[-1])} class="govuk-error-message">'
            f'<span class="govuk-visually-hidden">Error:</span> {escape(wrong["text"])}</p>'
        )
    return " ".join(ids) or None, shown


def _know(params: Params, *known: str) -> None:
    if unknown := params.keys() - set(known):
        raise TypeError(f"only the design system's macro knows {sorted(unknown)}")


def _class(own: str, more: str | None) -> str:
    return f' class="{own} {escape(more)}"' if more else f' class="{own}"'


def _attributes(**values: Any) -> str:
    """Those that have a value; `_` stands for the hyphen, and behind a name that Python keeps for itself."""
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in values.items()
        if value is not None
    )


def _markup(drawn: str) -> Markup:
    return Markup(drawn)  # noqa: S704 - each part was escaped where it was put in
