"""Optional parts: institutions, judgements with their figures, and next steps. They appear in every format and are
traced like the rest."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from reporting.count.milestones.schemas import MilestoneBody
from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.ground.language import text
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import shipped
from reporting.publish.bulletins.composing.compose import compose
from reporting.publish.bulletins.composing.evidence import Beside
from reporting.publish.bulletins.document.content import Content, Label, Table
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.words import places, with_words, without_words, words_of
from reporting.publish.bulletins.rendering.forms import rendered
from reporting.publish.bulletins.trace import numbers_in_wording, strays, wrong_figures
from reporting.publish.judgements.citations import Cited, Statement
from reporting.publish.judgements.schemas import FigureBasis, NoDataBasis, SeriesBasis

from tests.services.reporting.bulletins import story

pytestmark = [pytest.mark.laborious, pytest.mark.slow]

PERIOD = Period.parse("2026-11a")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def released() -> UUID:
    known = story.releases().values()
    return next(r.id for r in known if (r.programme, r.period) == ("referrals", "2026-11a"))


def statement(number: int, place: Any, cited: Cited, parent: int | None = None) -> Statement:
    said = text(f"Enunciado de {place}.", f"Statement of {place}.")
    return Statement(
        id=UUID(int=number),
        version=2,
        analysis="a",
        place=place,
        parent=UUID(int=parent) if parent else None,
        text=said,
        cited=(cited,),
        written_at=NOW,
        written_by="x",
        organisation_id=UUID(int=1),
        agreed_at=NOW,
        agreed_by="y",
    )


def cites(release: UUID) -> Cited:
    basis = FigureBasis(kind="figure", release=release, where={"area": ["VE23"]})
    return Cited(basis, text("Remisiones, noviembre", "Referrals, November"))


KNOWN = Cited(NoDataBasis(kind="judgement"), text("juicio sin datos", "judgement without data"))
POINT = Cited(
    SeriesBasis(kind="series", series=UUID(int=990), day=date(2026, 10, 1), area="VE23"),
    text("Índice de riesgo", "Risk index"),
)
MILESTONE: dict[str, Any] = {
    "plan": "2026",
    "what": text("El protocolo está firmado.", "The protocol is signed."),
    "responsible": text("Grupo de trabajo", "Working group"),
}
INSTITUTION: dict[str, Any] = {
    "code": "fiscalia",
    "name": text("Fiscalía Especial", "Special Prosecutor"),
    "type": "GOV",
    "sectors": ["TIP"],
    "mandate": text("Investiga la trata.", "Investigates trafficking."),
    "does": text("Recibe denuncias.", "Takes complaints."),
    "presence": ["VE23", "VE20"],
    "contact": {"function": text("Mesa de entrada", "Front desk"), "phone": "+58 212 5550100"},
    "source": "x",
    "as_of": "2026-09-01",
    "in_bulletin": True,
}


def beside() -> Beside:
    return Beside(
        stakeholders=[StakeholderBody.model_validate(INSTITUTION)],
        statements=[
            statement(3, "effect", KNOWN, parent=1),
            statement(4, "cause", POINT, parent=2),
            statement(2, "cause", cites(released()), parent=1),
            statement(1, "core-problem", cites(released())),
            statement(
                5, "threat", cites(UUID(int=77))
            ),  # This figure is not among this bulletin's evidence.
            statement(6, "strength", KNOWN),
        ],
        superseded=frozenset({UUID(int=2)}),
        milestones=[
            MilestoneBody.model_validate({**MILESTONE, **changes})
            for changes in (
                {"due": "2026-Q4"},
                {"due": "2026-Q3", "status": "under-way"},
                {"due": "2026-Q3", "status": "done"},
                {"due": "2028-Q1"},
                {"due": "2027-Q1", "responsible": None, "organisation_id": str(UUID(int=1))},
            )
        ],
    )


@cache
def content() -> Content:
    evidence = replace(story.evidence(), beside=beside())
    return compose(PERIOD, evidence, shipped())


def table(name: str) -> Table:
    section = next(each for each in content().sections if each.id == name)
    return next(block for block in section.blocks if isinstance(block, Table))


def cells(name: str, language: str, columns: slice) -> list[list[str]]:
    return [
        [cell.text[language] for cell in row[columns] if isinstance(cell, Label)]
        for row in table(name).rows
    ]


def test_nothing_is_printed_that_nobody_wished_for() -> None:
    names = {section.id for section in story.bulletin().sections}
    assert not names & {"stakeholders", "problem-tree", "swot", "next-steps"}


def test_a_problem_tree_reads_from_the_core_down_each_with_what_it_rests_on() -> None:
    assert cells("problem-tree", "es", slice(0, 3)) == [
        ["Problema central", "Enunciado de core-problem.", "Remisiones, noviembre"],
        ["Causa (por revisar)", "Enunciado de cause.", "Remisiones, noviembre"],
        ["– Causa", "Enunciado de cause.", "Índice de riesgo"],
        ["Efecto", "Enunciado de effect.", "juicio sin datos"],
    ]
    figures = [row[3] for row in table("problem-tree").rows]
    first = figures[0]
    assert isinstance(first, Figure)
    assert first.value is not None
    assert isinstance(figures[2], Figure)
    assert isinstance(figures[3], Label)


def test_a_statement_whose_figure_the_bulletin_cannot_trace_is_left_out() -> None:
    assert cells("swot", "en", slice(0, 2)) == [["Strength", "Statement of strength."]]


def test_next_steps_are_the_open_milestones_of_two_quarters_and_say_which_are_late() -> None:
    assert cells("next-steps", "en", slice(1, 4)) == [
        ["Working group", "Q3 2026", "under way, late"],
        ["Working group", "Q4 2026", "planned"],
        ["an organisation of the network", "Q1 2027", "planned"],
    ]


def test_words_lead_the_next_steps_and_come_and_go_without_them() -> None:
    said = {"next-steps": text("Lo que sigue.", "What comes next.")}
    worded = with_words(content(), said)
    assert [each.id for each in worded.sections] == [each.id for each in content().sections]
    steps = next(each for each in worded.sections if each.id == "next-steps")
    assert [block.kind for block in steps.blocks] == ["words", "table"]
    assert words_of(worded) == said
    assert without_words(worded) == content()
    assert len(set(places(content()))) == len(places(content()))
    ids = [each.id for each in content().sections]
    assert ids[-2:] == ["next-steps", "sources"]


def test_all_of_it_traces() -> None:
    assert wrong_figures(content(), story.evidence()) == []
    assert numbers_in_wording(content()) == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_form_prints_it_and_no_number_more(language: str) -> None:
    files = rendered(content(), language, draft=False)
    assert strays(content(), language, files) == []
    page = files["bulletin.html"].decode()
    for said in ("+58 212 5550100", "Zulia", INSTITUTION["mandate"][language]):
        assert said in page
