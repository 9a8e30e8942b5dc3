"""A 5W file with another layout is proposed, confirmed once, then imported like the template."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import pytest
from httpx import AsyncClient
from reporting.count.activities.mapping import Mapping, flaws, layout

from tests.services.reporting.activities.test_activities_api import IM, PATH, SALUD
from tests.support.reference import reference_data

HEADER = ["Mes", "Organización", "Tipo", "Código", "Estado", "Alcanzados"]


def sheet(*rows: Iterable[str], header: Iterable[str] = HEADER) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue().encode()


async def sent(
    api: AsyncClient, where: str, content: bytes, headers: dict[str, str] = IM
) -> tuple[int, dict[str, Any]]:
    answer = await api.post(f"{PATH}/{where}", files={"file": ("5w.csv", content)}, headers=headers)
    return answer.status_code, answer.json()


def confirmed(proposal: dict[str, Any]) -> dict[str, Any]:
    return {name: proposal[name] for name in ("columns", "words", "fixed")}


async def test_the_responses_own_file_is_proposed_confirmed_once_and_imported(
    api: AsyncClient,
) -> None:
    content = reference_data("fivews/ven_5w_2024_sample_aggregated.csv").read_bytes()
    status, problem = await sent(api, "imports", content)
    assert (status, problem["code"]) == (422, "unreadable_workbook")
    status, proposal = await sent(api, "mappings", content)
    assert (status, proposal["missing"], proposal["unknown"]) == (200, [], {})
    assert proposal["words"]["reached"] == {"<10": ""}
    assert not proposal["confirmed"]
    where = f"{PATH}/mappings/{proposal['layout']}"
    stored = await api.put(where, json=confirmed(proposal), headers=IM)
    assert stored.status_code == 200, stored.text
    assert (await sent(api, "mappings", content))[1]["confirmed"]
    status, report = await sent(api, "imports", content)
    assert (status, report["rows"], report["created"]) == (201, 834, 834), report
    status, report = await sent(api, "imports", content)
    assert (status, report["unchanged"]) == (201, 834)
    listed = (await api.get(f"{PATH}?limit=200", headers=IM)).json()["items"]
    assert "ASONACOP" in {each["org_implementer"] for each in listed}
    # Another organisation must confirm the mapping for itself.
    assert (await sent(api, "imports", content, SALUD))[0] == 422


async def test_a_person_completes_a_proposal(api: AsyncClient) -> None:
    content = sheet(["2026-11", "Refugio", "ONG Nacional", "TIP/TRN", "Zulia", "20"])
    _, proposal = await sent(api, "mappings", content)
    assert "activity_code" in proposal["missing"]
    where = f"{PATH}/mappings/{proposal['layout']}"
    refused = await api.put(where, json=confirmed(proposal), headers=IM)
    assert refused.status_code == 422
    fields = [
        "report_month",
        "org_leader",
        "org_leader_type",
        "activity_code",
        "adm1_pcode",
        "reached",
    ]
    whole = {
        "columns": [{"name": n, "field": f} for n, f in zip(HEADER, fields, strict=True)],
        "words": {"adm1_pcode": {"Zulia": "VE23"}},
        "fixed": {"status": "Completed"},
    }
    stored = await api.put(where, json=whole, headers=IM)
    assert stored.status_code == 200, stored.text
    assert (await sent(api, "imports", content))[1]["created"] == 1
    (row,) = (await api.get(PATH, headers=IM)).json()["items"]
    assert (row["adm1_pcode"], row["start"], row["reached"]) == ("VE23", "2026-11-01", 20)
    corrected = sheet(["2026-11", "Refugio", "ONG Nacional", "TIP/TRN", "Zulia", "25"])
    assert (await sent(api, "imports", corrected))[1]["changed"] == 1
    unmapped = sheet(["2026-11", "Refugio", "ONG Nacional", "TIP/TRN", "Táchira", "20"])
    status, problem = await sent(api, "imports", unmapped)
    assert (status, problem["problems"][0]["column"]) == (422, "adm1_pcode")


async def test_a_mapping_belongs_to_the_columns_of_its_layout(api: AsyncClient) -> None:
    body = {"columns": [{"name": "a", "field": "org_leader"}], "words": {}, "fixed": {}}
    answer = await api.put(f"{PATH}/mappings/{layout(['b'])}", json=body, headers=IM)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/columns"


@pytest.mark.parametrize(
    ("mapping", "pointer"),
    [
        (Mapping((("a", "colour"),), {}, {}), "/columns/0/field"),
        (Mapping((("a", "status"), ("b", "status")), {}, {}), "/columns/0/field"),
        (Mapping((), {"org_leader": {"a": "b"}}, {}), "/words/org_leader"),
        (Mapping((), {"reached": {"<10": "9"}}, {}), "/words/reached"),
        (Mapping((), {}, {"activity_code": "TIP/TRN"}), "/fixed/activity_code"),
        (Mapping((), {}, {}), "/columns"),
    ],
)
def test_a_wrong_mapping_is_told_where(mapping: Mapping, pointer: str) -> None:
    assert pointer in {at for at, *_ in flaws(mapping)}
