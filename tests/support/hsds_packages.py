"""Invented HSDS packages of every version, with all tables and columns and unique texts."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from directory.files.imports.package.fields import tables

VERSIONS = ("1.1", "2.0", "3.0", "3.1", "3.2", "ohana")
_SINCE = {"service_capacity": "3.2", "unit": "3.2", "url": "3.1"}
_ADDRESS = (
    "id location_id attention address_1 address_2 city region state_province postal_code country"
)
_COMMON = {
    "contacts.csv": "id organization_id service_id name title department email",
    "funding.csv": "id organization_id service_id source",
    "physical_addresses.csv": _ADDRESS,
    "postal_addresses.csv": _ADDRESS,
    "service_at_location.csv": "id service_id location_id description",
    "required_documents.csv": "id service_id document",
    "service_areas.csv": "id service_id service_area description",
    "languages.csv": "id service_id language",
    "accessibility_for_disabilities.csv": "id location_id accessibility details",
    "payments_accepted.csv": "id service_id payment",
    "eligibility.csv": "id service_id eligibility",
    "organizations.csv": "id name alternate_name description email url tax_status tax_id"
    " year_incorporated legal_status",
    "programs.csv": "id organization_id name alternate_name",
    "services.csv": "id organization_id program_id name alternate_name description url email status"
    " interpretation_services application_process wait_time fees accreditations licenses",
    "locations.csv": "id organization_id name alternate_name description transportation latitude longitude",
    "phones.csv": "id location_id service_id organization_id number extension type language description",
}
OLDER: Mapping[str, Mapping[str, str]] = {
    "1.1": {
        **_COMMON,
        "regular_schedules.csv": "id service_id weekday opens_at closes_at",
        "holiday_schedules.csv": "id service_id closed opens_at closes_at start_date end_date",
        "services_taxonomy.csv": "id service_id taxonomy_id taxonomy_detail",
        "taxonomy.csv": "id name parent_id parent_name vocabulary",
    },
    "2.0": {
        **_COMMON,
        "schedules.csv": "id service_id valid_from valid_to dtstart until wkst freq interval byday"
        " description opens_at closes_at",
        "service_attributes.csv": "id service_id taxonomy_term_id",
        "taxonomy_terms.csv": "id term description parent_id taxonomy language",
        "other_attributes.csv": "id link_id link_type taxonomy_term_id",
    },
    "ohana": {
        "organizations.csv": "id accreditations alternate_name date_incorporated description email"
        " funding_sources legal_status licenses name tax_id tax_status website",
        "programs.csv": "id organization_id name alternate_name",
        "locations.csv": "id organization_id accessibility admin_emails alternate_name description email"
        " languages latitude longitude name short_desc transportation website virtual",
        "addresses.csv": "id location_id address_1 address_2 city state_province postal_code country",
        "mail_addresses.csv": "id location_id attention address_1 city state_province postal_code country",
        "contacts.csv": "id service_id department email name title",
        "phones.csv": "id service_id country_prefix department extension number number_type vanity_number",
        "services.csv": "id location_id program_id accepted_payments alternate_name application_process"
        " audience description eligibility email fees funding_sources interpretation_services keywords"
        " languages name required_documents service_areas status website wait_time taxonomy_ids",
        "regular_schedules.csv": "id service_id weekday opens_at closes_at",
        "holiday_schedules.csv": "id service_id closed opens_at closes_at start_date end_date",
        "taxonomy.csv": "taxonomy_id name parent_id parent_name",
    },
}
_SERVICES_PER_ORGANIZATION = 10
_TERMS = 20
_SHARED = {"organizations.csv", "locations.csv", "programs.csv", "taxonomies.csv", "units.csv"}
_PLAIN = {
    "status": "active", "wkst": "MO", "freq": "WEEKLY", "byday": "MO,TU", "weekday": "Monday",
    "opens_at": "08:00", "closes_at": "16:00", "timezone": "-4", "interval": "1", "extension": "12",
    "location_type": "physical", "address_type": "physical", "virtual": "false", "country": "VE",
    "updated": "2026-11-01T10:00:00+00:00", "last_modified": "2026-11-01T10:00:00+00:00",
    "latitude": "10.5", "longitude": "-66.9", "link_entity": "service", "closed": "true",
    "minimum_age": "3", "maximum_age": "90", "link_type": "service",
}  # fmt: skip
_DATES = {"valid_from", "valid_to", "dtstart", "until", "assured_date", "last_action_date",
          "start_date", "end_date", "date_incorporated"}  # fmt: skip
_COUNTS = {"year_incorporated", "count", "amount", "available", "maximum"}


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


def columns_of(version: str) -> dict[str, list[str]]:
    if version in OLDER:
        return {name: columns.split() for name, columns in OLDER[version].items()}
    return {
        table.file: [field.name for field in table.fields if not field.profile]
        for name, table in tables().items()
        if _SINCE.get(name, "3.0") <= version
    }


def rows_of(version: str, file: str, services: int) -> Iterator[dict[str, str]]:
    """Yield the rows of a table: one per service, or one per ten services in shared tables."""
    columns = columns_of(version)[file]
    count = -(-services // _SERVICES_PER_ORGANIZATION) if file in _SHARED else services
    if file in ("taxonomy.csv", "taxonomy_terms.csv"):
        count = _TERMS
    for at in range(count):
        yield {name: _value(version, file, name, at) for name in columns}


def _value(version: str, file: str, name: str, at: int) -> str:
    if name == "id" or (name == "taxonomy_id" and file == "taxonomy.csv"):
        return _id(f"{file[:-4]}-{at}")
    if name.endswith("_id") or name == "taxonomy_ids":
        return _link(version, file, name, at)
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _DATES:
        return "2026-01-31"
    if name in _COUNTS:
        return str(1900 + at % 100)
    if name in ("email", "assurer_email", "admin_emails"):
        return f"a{at}.{file[:-4]}@example.org"
    if name in ("url", "website", "uri", "logo", "term_uri", "schedule_link"):
        return f"https://example.org/{file[:-4]}/{name}/{at}"
    return f"{name} {at} of {file[:-4]}"


def _link(version: str, file: str, name: str, at: int) -> str:
    ten = at if file in _SHARED else at // _SERVICES_PER_ORGANIZATION
    terms = "taxonomy" if "taxonomy.csv" in columns_of(version) else "taxonomy_terms"
    if name in ("parent_id", "parent_organization_id", "tax_id"):
        return f"{name} {at}" if name == "tax_id" else _id(f"{terms}-0")
    if name in ("taxonomy_term_id", "taxonomy_ids") or (name, terms) == ("taxonomy_id", "taxonomy"):
        return _id(f"{terms}-{at % _TERMS}")
    shared = {"organization_id": "organizations", "location_id": "locations",
              "program_id": "programs", "taxonomy_id": "taxonomies", "unit_id": "units"}  # fmt: skip
    if name in shared:
        return _id(f"{shared[name]}-{ten if name != 'taxonomy_id' else 0}")
    own = {"link_id": "services", "resource_id": "services", "service_id": "services",
           "contact_id": "contacts", "phone_id": "phones",
           "service_at_location_id": "service_at_location"}  # fmt: skip
    return _id(f"{own.get(name, name)}-{at}")


def write_package(path: Path, version: str, services: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for file, columns in columns_of(version).items():
            with target.open(file, "w") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
                writer = csv.DictWriter(text, columns)
                writer.writeheader()
                writer.writerows(rows_of(version, file, services))
    return path


def official_packages(examples: Path, folder: Path) -> dict[str, Path]:
    """Return the specification's two example packages: the CSV tables and the JSON form."""
    found = {"official csv": folder / "csv.zip", "official tabular.json": folder / "tabular.zip"}
    with zipfile.ZipFile(found["official csv"], "w") as package:
        for path in sorted((examples / "csv").glob("*.csv")):
            package.write(path, path.name)
    with zipfile.ZipFile(found["official tabular.json"], "w") as package:
        for name, rows in json.loads((examples / "tabular.json").read_text()).items():
            text = io.StringIO()
            writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
            writer.writeheader()
            writer.writerows(rows)
            package.writestr(name, text.getvalue())
    return found
