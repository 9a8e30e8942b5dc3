"""Helpers for screening tests: a certified screener, a screening, a workbook."""

import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import openpyxl
from common import clock
from referrals.screening.screenings.shipped import SHIPPED_ID

from tests.services.referrals.story import Story

SUPERVISOR = "ngo-refugio-supervisor"
AGREED = {"safe_to_talk": "yes", "consent": "yes"}
CHILD = {
    **AGREED,
    "consent_statistics": "yes",
    "age_group": "child",
    "age": 15,
    "sex": "female",
    "immediate_danger": "yes",
    "gen.online": "yes",
    "ch.older": "yes",
    "gen.injury": "yes",
}
RATIONALE = "Cuenta que una persona adulta la trajo y le cobra el viaje."
SURVEY: list[Sequence[Any]] = [
    [
        *("type", "name", "label::Español (es)", "label::English (en)", "relevant", "required"),
        *("constraint", "ruta_role", "ruta_element", "ruta_grade"),
    ],
    ["start", "start"],
    ["begin_group", "intro", "Inicio", "Start"],
    ["select_one yn", "safe", "¿Es seguro?", "Is it safe?", None, "yes", None, "safe_to_talk"],
    ["select_one yn", "agree", "¿Acepta?", "Agrees?", None, "yes", None, "consent"],
    ["end_group"],
    ["begin_group", "q", "Preguntas", "Questions"],
    ["integer", "years", "Edad", "Age", None, None, ". >= 0 and . <= 120", "age"],
    ["date", "when", "¿Cuándo?", "When?", None, None, ". <= today()"],
    ["select_multiple signs", "signs", "Señales", "Signs"],
    ["text", "work", "¿Qué trabajo?", "What work?", "selected(${signs}, 'work')"],
    ["end_group"],
]
CHOICES: list[Sequence[Any]] = [
    [
        *("list_name", "name", "label::Español (es)", "label::English (en)"),
        *("ruta_value", "ruta_element", "ruta_grade"),
    ],
    ["yn", "1", "Sí", "Yes", "yes"],
    ["yn", "0", "No", "No", "no"],
    ["signs", "moved", "Fue trasladada", "Was moved", None, "act.transportation"],
    ["signs", "lied", "Le mintieron", "Was lied to", None, "means.deception", "strong"],
    ["signs", "work", "La obligan a trabajar", "Is forced to work", None, "purpose.forced_labour"],
    ["signs", "none", "Ninguna", "None", "none"],
]


def workbook(
    survey: Sequence[Sequence[Any]] = SURVEY,
    choices: Sequence[Sequence[Any]] = CHOICES,
    version: str = "1",
) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "survey"
    for row in survey:
        sheet.append(list(row))
    listed = book.create_sheet("choices")
    for row in choices:
        listed.append(list(row))
    named = book.create_sheet("settings")
    named.append(["form_title", "form_id", "version"])
    named.append(["Frontera", "border_quick", version])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(row: int, column: int, value: Any) -> list[list[Any]]:
    """Return the survey sheet with one cell changed."""
    rows = [list(each) for each in SURVEY]
    rows[row] += [None] * (column + 1 - len(rows[row]))
    rows[row][column] = value
    return rows


async def upload(
    story: Story, content: bytes, who: str = SUPERVISOR, **query: Any
) -> tuple[int, dict[str, Any]]:
    from tests.support.principals import bearer

    answer = await story.client.post(
        "/referrals/v1/instruments",
        files={"file": ("form.xlsx", content)},
        params=query,
        headers=bearer(who, audience="ruta-referrals"),
    )
    return answer.status_code, answer.json()


async def certify(story: Story, holder: str = "ngo-refugio", **changes: Any) -> dict[str, Any]:
    today = clock.today()
    body = {
        "holder": holder,
        "certified_on": str(today - timedelta(days=30)),
        "valid_until": str(today + timedelta(days=300)),
        **changes,
    }
    return await story.made(SUPERVISOR, "/certificates", body)


async def begun(story: Story, answers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = {
        "instrument_id": str(SHIPPED_ID),
        "area": "VE2313",
        "answers": CHILD if answers is None else answers,
        **more,
    }
    return await story.made("ngo-refugio", "/screenings", body)


async def concluded(story: Story, **more: Any) -> dict[str, Any]:
    await certify(story)
    screening = await begun(story, **more)
    return await story.made(
        "ngo-refugio",
        f"/screenings/{screening['id']}/conclude",
        {
            "judgement": "possible_victim",
            "rationale": RATIONALE,
            "exploitation_types": ["purpose.sexual"],
        },
    )
