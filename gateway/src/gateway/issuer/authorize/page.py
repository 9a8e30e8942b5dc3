"""Sign-in pages in Spanish and English: the form, and the page about changes to the person's sign-in. They load nothing
from other sites. `texts.json` contains the texts."""

from collections.abc import Mapping, Sequence

from common.http import drawn
from common.pages.look import page_policy

_PACKAGE = "gateway.issuer.authorize"


def sign_in_page(
    *,
    language: str,
    ticket: str | None,
    error: str | None = None,
    name: str = "",
    question: str | None = None,
    script: str | None = None,
    application: str | None = None,
    organisation: str | None = None,
) -> str:
    """Return the sign-in page. Without a `ticket`, it shows only the error (`wrong`, `wait`, `stale`, `elsewhere`,
    `unknown`). `name` is the name as typed. `question` is the passkey challenge as JSON, and `script` is the address of
    the script that uses it. `application` and `organisation` name an outside client; they are None for Ruta's own
    client."""
    return drawn(
        _PACKAGE,
        "sign_in.html",
        language,
        ticket=ticket,
        error=error,
        name=name[:63],
        question=question,
        script=script,
        application=application,
        organisation=organisation,
    )


def told_page(*, language: str, ticket: str | None, news: Sequence[str], organisation: str) -> str:
    """Return the page that tells the person what changed, with one sentence for each change. `ticket` is None if the
    person has reported that they did not make the changes. `organisation` is the person's organisation."""
    return drawn(
        _PACKAGE, "told.html", language, ticket=ticket, news=news, organisation=organisation
    )


def policy(form_targets: str, script: str | None = None) -> Mapping[str, str]:
    """Return the page's headers. Browsers also apply `form-action` to the redirect that follows the form."""
    return {
        "Content-Security-Policy": page_policy(
            forms=f"'self' {form_targets}".strip(), script_address=script
        ),
        "Cache-Control": "no-store",
    }
