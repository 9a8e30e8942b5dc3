"""The three scenarios in a fictional directory, stored as pages for review.

`RUTA_WRITE_GOLDEN=1` writes the pages again; a person then decides whether they are still right.
"""

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from tests.services.directory.conftest import as_
from tests.services.directory.pathways.golden_text import page

GOLDEN = Path(__file__).parent / "golden"
SCENARIOS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "child-trafficked-tachira-at-night": (
        "Niña de 14 años, trata, municipio fronterizo del Táchira, de noche",
        "Girl of 14, trafficked, border municipality of Táchira, at night",
        {
            "area": "VE2004",
            "age": 14,
            "sex": "female",
            "situations": ["trafficking", "child_separated"],
            "populations": ["TRA"],
            "languages": ["spa"],
            "has_documents": False,
            "immediate_danger": True,
            "moment": {"weekday": 6, "time": "23:30"},
        },
    ),
    "woman-sexual-violence-maracaibo-wayuu": (
        "Mujer adulta, violencia sexual hace 20 horas, Maracaibo, habla wayuu",
        "Adult woman, sexual violence 20 hours ago, Maracaibo, Wayuu-speaking",
        {
            "area": "VE2313",
            "age": 27,
            "sex": "female",
            "situations": ["sexual_violence"],
            "hours_since_incident": 20,
            "populations": ["IND"],
            "languages": ["guc"],
            "immediate_danger": False,
        },
    ),
    "man-forced-labour-bolivar-mine": (
        "Hombre adulto, trabajo forzoso en una mina de Bolívar, sin documentos",
        "Adult man, forced labour in a Bolívar mine, no documents",
        {
            "area": "VE0709",
            "age": 34,
            "sex": "male",
            "situations": ["forced_labour"],
            "populations": ["MIG"],
            "languages": ["spa"],
            "has_documents": False,
            "immediate_danger": False,
        },
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_answer_is_the_one_that_was_judged(
    name: str, api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    title_es, title_en, profile = SCENARIOS[name]
    answer = await api.post(
        "/directory/v1/pathways/resolve", json=profile, headers=as_("ngo-refugio")
    )
    assert answer.status_code == 200, answer.text
    for language, title in (("es", title_es), ("en", title_en)):
        text = page(title, profile, answer.json(), language)
        stored = GOLDEN / f"{name}.{language}.md"
        if os.environ.get("RUTA_WRITE_GOLDEN"):
            stored.parent.mkdir(exist_ok=True)
            stored.write_text(text, encoding="utf-8")
        assert text == stored.read_text(encoding="utf-8")
