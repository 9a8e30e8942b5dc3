"""Composes a bulletin from its evidence: the sections and their order. Pure. A section without numbers says so and
never shows an empty chart or table."""

from collections.abc import Callable, Sequence
from typing import Literal

from common.words.languages import LANGUAGES

from reporting.ground.periods import Period, PeriodKind
from reporting.ground.programmes.catalogue import Catalogue
from reporting.publish.bulletins.composing import background, beside, referred, trafficking, work
from reporting.publish.bulletins.composing.evidence import Evidence
from reporting.publish.bulletins.document.content import Content, Section, Sentence
from reporting.publish.bulletins.document.texts import say
from reporting.publish.bulletins.document.words import with_words

KINDS: dict[PeriodKind, Literal["biweekly", "monthly"]] = {
    PeriodKind.HALF_MONTH: "biweekly",
    PeriodKind.MONTH: "monthly",
}

Composer = Callable[[Period, Evidence, Catalogue], Section | None]
"""Returns a section of the period; None if the deployment lacks the programme."""
ORDER: Sequence[Composer] = (
    referred.key_figures,
    work.presence,
    work.activities,
    referred.referrals,
    referred.needs,
    referred.trends,
    background.context,
    beside.stakeholders,
    beside.problem_tree,
    beside.swot,
    trafficking.trafficking,
    trafficking.routes,
    work.work_plan,
    beside.next_steps,
    background.glossary,
    background.sources,
)


def compose(period: Period, evidence: Evidence, catalogue: Catalogue) -> Content:
    """Return the bulletin for a half month or a month, in every language."""
    kind = KINDS[period.kind]
    label = {language: period.label(language) for language in LANGUAGES}
    found = (composer(period, evidence, catalogue) for composer in ORDER)
    composed = Content(
        kind=kind,
        period=period.id,
        start=period.start,
        end=period.end,
        title=say(f"title.{kind}"),
        period_label=label,
        standing=Sentence(text=say("standing"), emphasis=True),
        sections=tuple(section for section in found if section is not None),
    )
    return with_words(composed, {})
