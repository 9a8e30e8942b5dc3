"""Pages of a sign-in, in Spanish and English, that load nothing from outside: the form, and the changes to how the
person signs in. Their texts are in `texts.json`."""

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
    """HTML; `ticket` None shows only the error (`wrong`, `wait`, `stale`, `elsewhere`, `unknown`). `name` as it was typed.
    `question`: to whichever passkey is there, as JSON; `script`: the address of the script that puts it. `application` of
    `organisation`: who will act in the person's name; None where it is Ruta's own."""
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
    """`ticket` None: they said that they had not asked for it. `news`: a sentence each; `organisation`: theirs."""
    return drawn(
        _PACKAGE, "told.html", language, ticket=ticket, news=news, organisation=organisation
    )


def policy(form_targets: str, script: str | None = None) -> Mapping[str, str]:
    """Headers of the page. Browsers apply `form-action` to the redirect after the form as well."""
    return {
        "Content-Security-Policy": page_policy(
            forms=f"'self' {form_targets}".strip(), script_address=script
        ),
        "Cache-Control": "no-store",
    }
