"""A package as an unknown publisher exports it. It has ids of many kinds, several ids in a cell, and dates, hours and
numbers as people write them. It also has broken links, and columns and tables that HSDS does not have. One seed gives
one package."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

Rows = list[dict[str, str]]
_TOWNS = ("Maracaibo", "San Cristóbal", "Ciudad Bolívar", "Mérida", "Barinas", "Guasdualito")
_KINDS = ("Comedor", "Asesoría legal", "Atención primaria", "Casa de la mujer", "Refugio", "Escuela de padres", "Línea de ayuda")  # fmt: skip
_DAYS = ("MO,TU", "Lunes a viernes", "Mon-Sat", "fines de semana", "1MO", "L-V", "todos los días")
_HOURS = ("08:00", "8am", "8:30 a.m.", "17h", "25:99", "mediodía", "16:00:00")
_DATES = ("2026-01-31", "31/01/2026", "enero de 2026", "2026-13-40", "1 de mayo de 2026")
_NUMBERS = ("18", "18+", "dieciocho", "12.0", "1,5", "-3")
_STATUSES = ("active", "Activo", "open", "paused", "closed", "inactive", "Cerrado")
_POINTS = ("10.6427", "10,6427", "-71.6125", "999", "N 10°38'", "")
_ADDRESSES = ("info@example.org", "info(at)example.org", "a@example.org; b@example.org")
_PAGES = ("https://example.org/x", "www.example.org", "example", "javascript:alert(1)")
_TEXTS = ("  dos  espacios ", "<p>Con <b>marcas</b></p>", "línea uno\nlínea dos", "=SUM(A1)", "'apóstrofo", "NÃºmero", "x" * 300)  # fmt: skip


def write_strangers_package(path: Path, services: int, seed: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, rows in _tables(Random(seed), services).items():  # noqa: S311 - a seed for the same package again
            text = io.StringIO()
            writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
            writer.writeheader()
            writer.writerows(rows)
            package.writestr(name, text.getvalue())
    return path


def _tables(random: Random, count: int) -> dict[str, Rows]:
    pick = random.choice
    orgs = [f"ORG-{at:04}" for at in range(max(2, count // 10))]
    places = [str(1_000 + at) for at in range(max(2, count // 4))]
    terms = [f"T.{at}/x" for at in range(12)]
    own = [pick((f"rec{at:06X}", f"{at}", f"http://example.org/s/{at}")) for at in range(count)]

    def some(of: list[str], separator: str = "; ") -> str:
        """Return one id, several, an id that does not exist, or none."""
        several = separator.join(random.sample(of, k=min(len(of), pick((2, 3)))))
        return pick(
            (
                pick(of),
                pick(of),
                several,
                f"{pick(of)}{separator}gone-{random.randrange(99)}",
                "nobody",
                "",
            )
        )

    def rows(name: str, most: int, make: dict[str, str | Callable[[], str]]) -> Rows:
        return [
            {"id": f"{name}#{at}", **{key: value if isinstance(value, str) else value() for key, value in make.items()}}
            for at in range(most)
        ]  # fmt: skip

    def text(what: str) -> str:
        return pick(
            (
                f"{what} {random.randrange(10**6)}",
                f"{what} {random.randrange(10**6)}",
                "",
                pick(_TEXTS),
            )
        )

    services = [
        {
            "id": each, "organization_id": pick((pick(orgs), pick(orgs), pick(orgs), some(orgs))),
            "name": f"{pick(_KINDS)} {at}", "alternate_name": text("Alias"), "description": text("Servicio"),
            "url": pick((*_PAGES, "")), "email": pick((*_ADDRESSES, "")), "status": pick(_STATUSES),
            "fees_description": text("Gratis"), "minimum_age": pick((*_NUMBERS, "")), "maximum_age": pick(("", "", "99")),
            "assured_date": pick((*_DATES, "")), "last_modified": pick((*_DATES, "2026-01-01T10:00:00Z")),
            "wait_time": text("Espera"), "alert": text("Aviso"), "program_id": some(["P-1", "P-2"], ","),
            "phones": pick(("", "", "phone#0, phone#1", "0261 555 0101")), "Notas internas": text("Nota"),
            "schedule_ids": pick(("", "", "schedule#1|schedule#2")), "Última edición": pick((*_DATES, "")),
        }
        for at, each in enumerate(own)
    ]  # fmt: skip
    services += [dict(services[0]), {**services[1], "id": "", "name": "Sin identificador"}]
    return {
        "Organizations.csv": [
            {"id": each, "name": f"Fundación {at // 2}", "description": text("ONG"), "email": pick((*_ADDRESSES, "")),
             "website": pick((*_PAGES, "")), "year_incorporated": pick(("1998", "c. 1998", "")), "legal_status": text("ONG"),
             "siglas": text("F")}
            for at, each in enumerate(orgs)
        ],
        "programs.csv": [{"id": f"P-{at}", "organization_id": pick(orgs), "name": f"Programa {at}", "description": text("P")} for at in (1, 2)],
        "services.csv": services,
        "locations.csv": [
            {"id": each, "location_type": pick(("physical", "Physical", "sede", "")), "name": f"Sede {each}",
             "description": text("Lugar"), "transportation": text("Bus"), "latitude": pick(_POINTS), "longitude": pick(_POINTS),
             "organization_id": some(orgs)}
            for each in places
        ],
        "service_at_location.csv": rows("site", count, {"service_id": lambda: some(own), "location_id": lambda: some(places), "description": lambda: text("Sitio")}),
        "addresses.csv": rows("address", len(places), {"location_id": lambda: some(places), "address_1": lambda: text("Calle"), "city": lambda: pick(_TOWNS), "state_province": lambda: pick(("Zulia", "")), "country": lambda: pick(("VE", "Venezuela", "")), "postal_code": lambda: pick(("4001", ""))}),
        "phones.csv": rows("phone", count, {"service_id": lambda: some(own), "organization_id": lambda: some(orgs), "number": lambda: pick(("+58 261 5550101", "0212-555 01 01", "911", "", "llamar a Ana")), "extension": lambda: pick(("12", "ext. 3", "")), "type": lambda: pick(("voice", "Fijo", ""))}),
        "contacts.csv": rows("contact", count // 2, {"service_id": lambda: some(own), "name": lambda: text("Ana"), "email": lambda: pick(_ADDRESSES)}),
        "schedules.csv": rows("schedule", count, {"service_id": lambda: some(own), "freq": lambda: pick(("WEEKLY", "semanal", "")), "byday": lambda: pick(_DAYS), "opens_at": lambda: pick(_HOURS), "closes_at": lambda: pick(_HOURS), "valid_from": lambda: pick((*_DATES, "")), "description": lambda: text("Horario")}),
        "languages.csv": rows("language", count // 2, {"service_id": lambda: some(own), "name": lambda: pick(("Wayuunaiki", "Español", "")), "code": lambda: pick(("guc", "es", ""))}),
        "cost_options.csv": rows("cost", count // 4, {"service_id": lambda: some(own), "amount": lambda: pick(_NUMBERS), "currency": lambda: pick(("VES", "Bs.", "")), "option": lambda: text("Pago")}),
        "eligibility.csv": rows("who", count // 4, {"service_id": lambda: some(own), "eligibility": lambda: text("Mujeres")}),
        "taxonomy_terms.csv": [{"id": each, "name": f"Término {at}", "description": text("T"), "taxonomy": "propia", "parent_id": pick(("", terms[0]))} for at, each in enumerate(terms)],
        "attributes.csv": rows("attribute", count, {"link_id": lambda: some(own), "link_entity": "service", "taxonomy_term_id": lambda: some(terms, "|"), "value": lambda: text("v")}),
        "metadata.csv": rows("meta", count // 4, {"resource_id": lambda: some(own), "resource_type": "service", "last_action_date": lambda: pick(_DATES), "last_action_type": "update", "field_name": "name", "previous_value": lambda: text("a"), "replacement_value": lambda: text("b"), "updated_by": "x"}),
        "Hoja1.csv": rows("x", 5, {"cualquier cosa": lambda: text("y")}),
    }  # fmt: skip
