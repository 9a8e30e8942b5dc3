"""The page that lists the published bulletins, in one language."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from common.pages.look import PAGE_STYLE
from common.words.languages import next_language
from jinja2 import Environment, StrictUndefined, Template

from reporting.publish.bulletins.document.texts import say
from reporting.publish.bulletins.rendering.feed import Issue, period_of, reason_of

_SAYS = {
    "title": "list.title",
    "about": "list.about",
    "protected": "list.protected",
    "none": "list.none",
    "feed": "list.feed",
    "mail": "list.mail",
    "begin": "list.begin",
    "skip": "list.skip",
    "bar": "list.bar",
    "other": "list.other",
}
_FILES = {
    "bulletin.html": "list.html",
    "bulletin.pdf": "list.pdf",
    "summary.pdf": "list.summary",
    "bulletin.docx": "list.docx",
    "bulletin.xlsx": "list.xlsx",
}


def listing(issues: Sequence[Issue], language: str, prefix: str, *, by_mail: bool) -> str:
    """Return the page. `by_mail` tells whether this deployment sends bulletins by e-mail."""
    return _template().render(
        language=language,
        other=next_language(language),
        t={name: say(key)[language] for name, key in _SAYS.items()},
        files=[(name, say(key)[language]) for name, key in _FILES.items()],
        issues=[
            {
                "id": each.id,
                "title": each.content.title[language],
                "period": period_of(each, language),
                "gone": reason_of(each, language),
            }
            for each in issues
        ],
        style=PAGE_STYLE,
        prefix=prefix,
        by_mail=by_mail,
    )


@cache
def _template() -> Template:
    source = files("reporting.publish.bulletins.rendering").joinpath("data", "index.html.j2")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(source.read_text(encoding="utf-8"))
