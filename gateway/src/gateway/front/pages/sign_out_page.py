"""The page to sign out by, in Spanish and English, without a script."""

from common.pages.look import PAGE_STYLE
from common.words.languages import next_language
from jinja2 import Environment, StrictUndefined

from gateway.front.pages.public_pages import HEAD, page_headers, texts
from gateway.front.wire.heads import Header

_PAGE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    HEAD
    + """<a href="/?language={{ language }}">{{ t.start }}</a>
</nav>
<main id="main"><h1>{{ t.tab }}</h1><p>{{ t.why }}</p>
<form method="post" action="/session/end">
<input type="hidden" name="csrf_token" value="{{ token }}">
<p><button type="submit">{{ t.leave }}</button></p></form>
</main></body></html>
"""
)


def sign_out_page(language: str, token: str) -> tuple[list[Header], bytes]:
    """`token`: of the form; empty if nobody is signed in."""
    t = texts()[language]
    page = _PAGE.render(
        t=t | t["sign_out"],
        language=language,
        other=next_language(language),
        here="/session/end",
        token=token,
        style=PAGE_STYLE,
    )
    return [*page_headers(language, script=None), (b"cache-control", b"no-store")], page.encode()
