"""Pages for people with small phones: no script, nothing loaded from other sites, and never cached."""

from functools import cache
from typing import Any

from jinja2 import (
    ChoiceLoader,
    DictLoader,
    Environment,
    PackageLoader,
    StrictUndefined,
    select_autoescape,
)
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from common.http import problems
from common.pages.look import EXIT_SCRIPT, LANGUAGE_SWITCH, PAGE_STYLE, page_policy
from common.words.languages import next_language
from common.words.tables import tree


def page_response(
    html: str,
    *,
    language: str,
    style: str = PAGE_STYLE,
    status: int = 200,
    embeddable: bool = False,
    cache_control: str = "no-store",
    script_address: str | None = None,
) -> HTMLResponse:
    """Return a page with a policy that allows only the page's quick exit, if any, and the script at `script_address`.
    `embeddable` lets other sites show the page in a frame. Forms are then disabled, so that no frame can trick
    people."""
    ancestors, forms = ("*", "'none'") if embeddable else ("'none'", "'self'")
    script = EXIT_SCRIPT if 'class="exit"' in html else None
    if script:
        html = html.replace("</body>", f"<script>{script}</script></body>", 1)
    policy = page_policy(
        style, script=script, script_address=script_address, forms=forms, ancestors=ancestors
    )
    return HTMLResponse(
        html,
        status,
        headers={
            "Cache-Control": cache_control,
            "Content-Language": language,
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            **({} if embeddable else {"X-Robots-Tag": "noindex"}),
        },
    )


def drawn(package: str, template: str, language: str, **values: Any) -> str:
    """Render a template of the package with its `texts.json`. The template extends `layout.html`. `switch` is the id of
    the form whose text is preserved when the language changes."""
    return (
        _environment(package)
        .get_template(template)
        .render(
            language=language,
            other=next_language(language),
            t=page_texts(package, language),
            **{"style": PAGE_STYLE, "switch": None, **values},
        )
    )


@cache
def page_texts(package: str, language: str) -> dict[str, Any]:
    loaded: dict[str, dict[str, Any]] = tree(package, "texts")
    return loaded[language]


@cache
def _environment(package: str) -> Environment:
    return Environment(
        loader=ChoiceLoader(
            [
                PackageLoader(package),
                PackageLoader("common.http"),
                DictLoader({"switch.html": LANGUAGE_SWITCH}),
            ]
        ),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def with_number(text: str, number: str) -> Markup:
    """Replace `{number}` in a sentence with a link that phones can call."""
    link = Markup('<a href="tel:{}">{}</a>').format(number.replace(" ", ""), number)
    return escape(text).format(number=link)


HTML = "text/html"
_TEXT = {"schema": {"type": "string"}}
_OBJECT = {"schema": {"type": "object"}}


def answered_as(*media_types: str, status: int = 200) -> dict[str, Any]:
    """Declare the media types of a route, from which the request chooses one: `@api.get("/x",
    **answered_as("text/csv"))`."""
    content = {each: _OBJECT if _is_json(each) else _TEXT for each in media_types}
    return {"response_class": Response, "responses": {status: {"content": content}}}


def refusal_pages(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the error responses of a page for `responses`; the page itself shows the error. Earlier errors, such as
    an oversized body, are problem details."""
    content = {HTML: _TEXT, problems.MEDIA_TYPE: {}}
    description = "The page again, saying what is wrong."
    return {status: {"description": description, "content": content} for status in statuses}


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")
