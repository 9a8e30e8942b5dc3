"""The two components of the design system that stand many times on a page, written as its macros write them. Pure.

The macros load another template at each call, and the buttons of a page took a tenth of drawing it. A test holds them
equal. What these do not know (icons, attributes of their own) the macros are there for.
"""

from collections.abc import Mapping

from markupsafe import Markup, escape

_KNOWN = frozenset({"text", "html", "classes", "href", "name", "value"})


def button(params: Mapping[str, str | None]) -> Markup:
    shared = f'class="{_classes("govuk-button", params)}" data-module="govuk-button"'
    if href := params.get("href"):
        opened = f'<a href="{escape(href)}" role="button" draggable="false" {shared}>'
        return _around(opened, params, "</a>")
    sent = "".join(
        f' {name}="{escape(value)}"' for name in ("value", "name") if (value := params.get(name))
    )
    return _around(f'<button type="submit"{sent} {shared}>', params, "</button>")


def tag(params: Mapping[str, str | None]) -> Markup:
    return _around(f'<strong class="{_classes("govuk-tag", params)}">', params, "</strong>\n")


def _around(opened: str, params: Mapping[str, str | None], closed: str) -> Markup:
    """`html` as the macros take it: whoever gives markup has made it."""
    if unknown := params.keys() - _KNOWN:
        raise TypeError(f"only the design system's macro knows {sorted(unknown)}")
    said = params.get("html") or escape(params["text"])
    return Markup(f"{opened}\n  {said}\n{closed}")  # noqa: S704 - each part is escaped above


def _classes(own: str, params: Mapping[str, str | None]) -> str:
    more = params.get("classes")
    return f"{own} {escape(more)}" if more else own
