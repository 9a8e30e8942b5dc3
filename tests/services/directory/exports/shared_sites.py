"""Services that share places, organisations and terms, each with every kind of child entry."""

from typing import Any
from uuid import UUID, uuid5

from tests.services.directory.conftest import service_document
from tests.support.principals import organisation

SPACE = UUID("0190b000-0000-7000-8000-00000000aaaa")
SERVICES = 24
PLACES = 5


def _id(name: str) -> str:
    return str(uuid5(SPACE, name))


def _phone(name: str, **more: Any) -> dict[str, Any]:
    return {"id": _id(f"phone:{name}"), "number": f"+58 261 {abs(hash_of(name)) % 10**7:07}",
            "languages": [{"id": _id(f"phone-language:{name}"), "code": "spa", "name": "Spanish"}],
            **more}  # fmt: skip


def hash_of(name: str) -> int:
    return uuid5(SPACE, name).int


def _contact(name: str) -> dict[str, Any]:
    return {"id": _id(f"contact:{name}"), "name": f"Turno {name}", "title": "Recepción",
            "email": "recepcion@example.org", "phones": [_phone(f"contact:{name}")]}  # fmt: skip


def _schedule(name: str, **more: Any) -> dict[str, Any]:
    return {"id": _id(f"schedule:{name}"), "freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR",
            "opens_at": "08:00", "closes_at": "16:00", **more}  # fmt: skip


def _place(at: int) -> dict[str, Any]:
    name = f"place:{at}"
    return {
        "id": _id(name),
        "name": f"Centro comunitario {at}",
        "location_type": "physical",
        "latitude": 10.6 + at / 100,
        "longitude": -71.6,
        "pcode": "VE2313",
        "transportation": "Parada enfrente",
        "phones": [_phone(name)],
        "contacts": [_contact(name)],
        "schedules": [_schedule(name), _schedule(f"{name}/b", byday="SA", closes_at="12:00")],
        "accessibility": [{"id": _id(f"ramp:{at}"), "description": "Rampa", "details": "Al este"}],
        "languages": [{"id": _id(f"language:{name}"), "code": "guc", "name": "Wayuu"}],
        "addresses": [
            {"id": _id(f"address:{at}:{kind}"), "address_1": f"Calle {at}, casa 3", "city": "Maracaibo",
             "state_province": "Zulia", "postal_code": "4001", "country": "VE", "address_type": kind}
            for kind in ("physical", "postal")
        ],
        "attributes": [_attribute(name)],
    }  # fmt: skip


def _attribute(name: str) -> dict[str, Any]:
    return {
        "id": _id(f"attribute:{name}"),
        "label": "Tipo",
        "value": "1",
        "link_entity": "service",
        "taxonomy_term": {
            "id": _id("term"),
            "name": "Orientación social",
            "description": "Orientación social",
            "code": "X-9",
            "taxonomy": "clasificacion-nacional",
            "taxonomy_detail": {
                "id": _id("taxonomy"),
                "name": "clasificacion-nacional",
                "description": "Clasificación de otro registro",
            },
        },
    }


def _organization(at: int) -> dict[str, Any]:
    name = f"organization:{at}"
    own = str(organisation(2)) if at == 0 else _id(name)
    return {
        "id": own,
        "name": f"Asociación ficticia {at}",
        "description": "Atiende a familias",
        "email": "info@example.org",
        "website": "https://example.org",
        "year_incorporated": 1998,
        "phones": [_phone(name)],
        "contacts": [_contact(name)],
        "programs": [{"id": _id(f"program:{at}"), "name": "Familias", "description": "Programa"}],
        "organization_identifiers": [
            {"id": _id(f"rif:{at}"), "identifier_type": "RIF", "identifier": f"J-{at}"}
        ],
        "funding": [{"id": _id(f"funding:{at}"), "source": "Fondo común"}],
        "additional_websites": [{"id": _id(f"url:{at}"), "url": "https://example.org/mas"}],
    }


def shared_sites() -> list[dict[str, Any]]:
    """Return services, each at two of five places and in one of three organisations."""
    return [_service(at) for at in range(SERVICES)]


def _service(at: int) -> dict[str, Any]:
    name = f"service:{at}"
    given = (at % PLACES, (at + 1) % PLACES)
    return service_document(
        id=_id(name),
        name=f"Orientación familiar {at}",
        description="Línea uno; con punto y coma,\ny otra línea",
        visibility="partners" if at % 3 else "public",
        organization=_organization(at % 3),
        program={"id": _id(f"program:{at % 3}"), "name": "Familias", "description": "Programa"},
        categories=["GBV-PSS", "HLT"] if at % 2 else ["GP-DOC"],
        minimum_age=0 if at % 4 else 12,
        fees="Sin costo",
        fees_description="Gratis",
        wait_time="Una semana",
        interpretation_services="Wayuunaiki a pedido",
        url="https://example.org/servicio",
        phones=[_phone(name), _phone(f"{name}/b", extension=12, type="fax")],
        contacts=[_contact(name), _contact(f"{name}/b")],
        schedules=[_schedule(name, notes="Cerrado en feriados"),
                   _schedule(f"{name}/b", byday="1MO", freq="MONTHLY")],
        languages=[{"id": _id(f"{name}/es"), "code": "spa", "name": "Español", "note": "siempre"}],
        required_documents=[{"id": _id(f"{name}/doc"), "document": "Cédula, si la tiene",
                             "uri": "https://example.org/doc"}],
        cost_options=[{"id": _id(f"{name}/cost"), "option": "Adultos", "amount": 2.5, "currency": "USD"}],
        capacities=[{"id": _id(f"{name}/capacity"), "available": 3, "updated": "2026-11-01T10:00:00+00:00",
                     "unit": {"id": _id("unit"), "name": "cupos"}}],
        attributes=[_attribute(name)],
        eligibility={"sex": ["female"], "populations": ["REF"], "documents": ["Cédula, si la tiene"]},
        referral={"response_delay": "72h", "intake_modes": ["walk_in"], "notes": "Llamar antes"},
        translations={"en": {"name": f"Family support {at}", "description": "Support"}},
        service_areas=[{"id": _id(f"{name}/area"), "name": "Maracaibo", "extent": "VE2313",
                        "extent_type": "pcode"},
                       {"id": _id(f"{name}/words"), "name": "La costa", "description": "Sin código"}],
        service_at_locations=[
            {"id": _id(f"{name}@{place}"), "description": f"Martes en el {place}",
             "phones": [_phone(f"{name}@{place}")], "schedules": [_schedule(f"{name}@{place}")],
             "location": _place(place)}
            for place in given
        ],
    )  # fmt: skip
