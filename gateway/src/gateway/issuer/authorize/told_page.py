"""What was changed of how somebody signs in: told after their sign-in, before they are let in. In Spanish and English,
without a script."""

from collections.abc import Sequence

from common.http import drawn


def told_page(*, language: str, ticket: str | None, news: Sequence[str], organisation: str) -> str:
    """`ticket` None: they said that they had not asked for it. `news`: a sentence each; `organisation`: theirs."""
    return drawn(
        "gateway.issuer.authorize",
        "told.html",
        language,
        ticket=ticket,
        news=news,
        organisation=organisation,
    )
