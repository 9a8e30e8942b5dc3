"""A small fictional directory in Zulia, Táchira, Bolívar and Caracas, for the three scenarios.

Names, phone numbers and organisations are invented. Dates are relative to today, so that responses are the same every
day.
"""

from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from common import clock
from directory.ground.hsds.schemas import ServiceDocument
from directory.record.services.upsert import upsert_service
from sqlalchemy.ext.asyncio import AsyncSession

from tests.support.principals import principal

ALWAYS = {
    "freq": "WEEKLY",
    "byday": "MO,TU,WE,TH,FR,SA,SU",
    "opens_at": "00:00",
    "closes_at": "00:00",
}
OFFICE = {
    "freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR", "opens_at": "08:00", "closes_at": "16:00",
}  # fmt: skip
MORNINGS = {**OFFICE, "closes_at": "12:00"}


def service_id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"ruta-scenario:{name}")


def document(
    name: str,
    categories: list[str],
    site: str,
    serves: list[str],
    *,
    organisation: str = "Fundación Ficticia",
    visibility: str = "public",
    capacity: str | None = "accepting",
    status: str = "fully_functional",
    verified_days_ago: int = 20,
    valid_days: int = 70,
    ages: tuple[int | None, int | None] = (None, None),
    sexes: list[str] | None = None,
    languages: tuple[str, ...] = ("spa",),
    documents: list[str] | None = None,
    schedule: dict[str, Any] | None = None,
    delay: str | None = "24h",
    method: str = "phone_case_by_case",
    modes: tuple[str, ...] = ("walk_in",),
    existed: bool = True,
    phone: str | None = "+58 000 000 0000",
    **more: Any,
) -> ServiceDocument:
    today = clock.today()
    own = service_id(name)
    body: dict[str, Any] = {
        "id": str(own),
        "name": name,
        "status": "active",
        "categories": categories,
        "visibility": visibility,
        "organization": {
            "id": str(uuid5(NAMESPACE_URL, f"ruta-scenario-org:{organisation}")),
            "name": organisation,
            "description": "Organización inventada para las pruebas.",
        },
        "functional_status": {"code": status},
        "pre_crisis": {"existed": existed},
        "provider_level": "national",
        "languages": [{"code": code} for code in languages],
        "minimum_age": ages[0],
        "maximum_age": ages[1],
        "eligibility": {"sex": sexes or [], "documents": documents or []},
        "referral": {"method": method, "response_delay": delay, "intake_modes": list(modes)},
        "verification": {
            "verified_at": (today - timedelta(days=verified_days_ago)).isoformat(),
            "valid_until": (today + timedelta(days=valid_days)).isoformat(),
        },
        "service_areas": [{"extent_type": "pcode", "extent": area} for area in serves],
        "schedules": [schedule or OFFICE],
        **more,
    }
    if capacity is not None:
        body["capacity_state"] = capacity
    if phone is not None:
        body["phones"] = [{"number": phone}]
    if "hotline" not in modes:
        place = {"location_type": "physical", "pcode": site, "visibility": visibility}
        body["service_at_locations"] = [{"location": place}]
    return ServiceDocument.model_validate(body)


def services() -> dict[str, list[ServiceDocument]]:
    """Return the services, grouped by the coordinator who approves and thus endorses them."""
    hotline = document(
        "Línea Ficticia de Protección", ["HOT", "GP-INFO"], "VE0101", ["VE"],
        organisation="Red Ficticia", schedule=ALWAYS, modes=("hotline",), delay="same_day",
    )  # fmt: skip
    return {
        "cp-coordinator": [
            document("Consejo de Protección de San Antonio (ficticio)", ["CP-AUTH"], "VE2004",
                     ["VE2004"], ages=(0, 17), status="partially_functional", delay="same_day",
                     organisation="Municipio Ficticio"),
            document("Consejo de Protección de San Cristóbal (ficticio)", ["CP-AUTH"], "VE2023",
                     ["VE20"], ages=(0, 17), schedule=ALWAYS, delay="same_day",
                     organisation="Municipio Ficticio"),
            document("Gestión de casos Frontera Niñez", ["CP-CM"], "VE2004", ["VE20"], ages=(0, 17),
                     organisation="Asociación Ficticia Frontera"),
            document("Casa Temporal Arcoíris", ["CP-ALTCARE"], "VE20", ["VE20"], ages=(0, 17),
                     visibility="restricted", delay="same_day", phone=None, schedule=ALWAYS,
                     organisation="Asociación Ficticia Frontera"),
            document("Apoyo psicosocial Niñez Andina", ["CP-MHPSS", "CP-CFS"], "VE2023", ["VE20"],
                     ages=(3, 17), capacity="waitlist", organisation="Asociación Ficticia Andina"),
            document("Búsqueda de familias", ["CP-FTR"], "VE2023", ["VE20"], ages=(0, 17),
                     delay="72h", organisation="Movimiento Ficticio"),
            hotline,
        ],
        "gbv-coordinator": [
            document("Hospital Ficticio del Lago, atención clínica", ["GBV-CMR", "HLT"], "VE2313",
                     ["VE23"], schedule=ALWAYS, delay="same_day", languages=("spa",),
                     organisation="Hospital Ficticio del Lago"),
            document("Ambulatorio Ficticio Norte", ["GBV-CMR", "HLT-SRH"], "VE2315", ["VE23"],
                     languages=("spa", "guc"), status="partially_functional", delay="same_day",
                     organisation="Salud Ficticia Guajira"),
            document("Hospital Ficticio de la Frontera", ["GBV-CMR", "HLT"], "VE2023", ["VE20"],
                     schedule=ALWAYS, delay="same_day", organisation="Hospital Ficticio Andino"),
            document("Gestión de casos VBG Zulia", ["GBV-CM"], "VE2313", ["VE2313", "VE2317"],
                     ages=(12, None), sexes=["female"], languages=("spa", "guc"),
                     organisation="Fundación Ficticia Refugio"),
            document("Casa de abrigo Zulia", ["GBV-SHELTER"], "VE23", ["VE23"], ages=(18, None),
                     sexes=["female"], visibility="restricted", phone=None, schedule=ALWAYS,
                     delay="same_day",
                     organisation="Fundación Ficticia Refugio"),
            document("Apoyo psicosocial Relámpago", ["GBV-PSS"], "VE2313", ["VE23"],
                     sexes=["female"], capacity="full", organisation="Fundación Ficticia Refugio"),
            document("Acompañamiento emocional Perijá", ["GBV-PSS"], "VE2311", ["VE2311"],
                     organisation="Asociación Ficticia Perijá"),
            document("Asistencia legal Lago", ["GBV-LEGAL"], "VE2313", ["VE23"], valid_days=-3,
                     verified_days_ago=200, organisation="Clínica Jurídica Ficticia"),
            document("Kits de dignidad Zulia", ["GBV-DIGNITY"], "VE2313", ["VE23"],
                     sexes=["female"], organisation="Fundación Ficticia Refugio"),
            document("Espacio seguro La Ceiba", ["GBV-WGSS"], "VE2313", ["VE2313"],
                     sexes=["female"], languages=("spa", "guc"), schedule=MORNINGS,
                     organisation="Asociación Ficticia La Ceiba"),
            document("Intérpretes wayuu", ["INT"], "VE2313", ["VE23"], languages=("guc", "spa"),
                     delay="same_day", organisation="Red Ficticia de Intérpretes",
                     pathway=[{"aor": "GBV"}]),
        ],
        "tip-coordinator": [
            document("Asistencia directa Sur", ["TIP-ASSIST", "TIP-ID"], "VE0701", ["VE07"],
                     organisation="Organización Ficticia contra la Trata", delay="24h"),
            document("Asistencia directa Táchira", ["TIP-ASSIST"], "VE2023", ["VE20"],
                     organisation="Organización Ficticia contra la Trata", schedule=ALWAYS),
            document("Alojamiento seguro Caracas", ["TIP-SAFE"], "VE01", ["VE"], ages=(18, None),
                     visibility="restricted", phone=None, schedule=ALWAYS,
                     organisation="Organización Ficticia contra la Trata"),
            document("Alojamiento temporal Ficticio", ["SHL"], "VE0701", ["VE07"], ages=(18, None),
                     schedule=ALWAYS, organisation="Fundación Ficticia Techo",
                     pathway=[{"aor": "TIP"}]),
            document("Ambulatorio minero", ["HLT"], "VE0709", ["VE0709", "VE0703"],
                     organisation="Salud Ficticia Sur", pathway=[{"aor": "TIP"}]),
            document("Clínica de Tumeremo", ["HLT"], "VE0709", ["VE0709"],
                     documents=["cédula de identidad"], pathway=[{"aor": "TIP"}],
                     organisation="Salud Ficticia Sur"),
            document("Documentación y orientación legal Guayana", ["GP-DOC"], "VE0701", ["VE07"],
                     delay="one_week", organisation="Clínica Jurídica Ficticia"),
            document("Comedor Ficticio", ["FSC"], "VE0703", ["VE0703"], pathway=[{"aor": "TIP"}],
                     organisation="Fundación Ficticia Techo"),
            document("Apoyo psicosocial Guayana", ["GP-PSS"], "VE0701", ["VE07"],
                     capacity="waitlist", organisation="Asociación Ficticia Guayana"),
            document("Enlace con fiscalía Bolívar", ["TIP-JUSTICE"], "VE0705", ["VE07"],
                     status="suspended", organisation="Organización Ficticia contra la Trata"),
            document("Retorno voluntario Ficticio", ["TIP-RETURN"], "VE0101", ["VE"],
                     delay="one_month", organisation="Organización Ficticia contra la Trata"),
        ],
    }  # fmt: skip


async def load(session: AsyncSession) -> dict[str, UUID]:
    """Enter all services as their coordinators would; return ids by name."""
    ids = {}
    for coordinator, documents in services().items():
        caller = principal(coordinator)
        for each in documents:
            done = await upsert_service(session, caller, each)
            ids[each.name] = done.id
    return ids
