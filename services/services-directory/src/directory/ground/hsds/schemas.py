"""The HSDS 3.2.3 objects as clients write them: every field of the 24 tables, and this profile's extensions. Field
descriptions are those of the specification."""

from typing import Literal, Self
from uuid import UUID

from common.events.codes import CapacityState, Visibility
from common.words.places import Places
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from directory.ground.hsds.base import (
    DateText,
    Email,
    Hsds,
    InstantText,
    Number,
    Short,
    Text,
    TimeText,
    Uri,
)
from directory.ground.hsds.extensions import (
    Category,
    Eligibility,
    FunctionalStatus,
    PathwayStep,
    PCode,
    PreCrisis,
    Referral,
    Translations,
    Verification,
)
from directory.ground.hsds.opening_hours import Weekday

_MANY = 500


class Metadata(Hsds):
    resource_id: UUID | None = None
    resource_type: Text | None = None
    last_action_date: Text
    last_action_type: Text
    field_name: Text
    previous_value: Text
    replacement_value: Text
    updated_by: Text
    visibility: Visibility | None = None


class TaxonomyDocument(Hsds):
    name: Short
    description: Text
    uri: Uri | None = None
    version: Text | None = None
    metadata: list[Metadata] = Field(default_factory=list, max_length=_MANY)


class TaxonomyTermDocument(Hsds):
    code: Text | None = None
    name: Short
    description: Text
    parent_id: UUID | None = None
    taxonomy: Text | None = None
    taxonomy_detail: TaxonomyDocument | None = None
    language: Text | None = None
    taxonomy_id: UUID | None = None
    term_uri: Uri | None = None
    metadata: list[Metadata] = Field(default_factory=list, max_length=_MANY)


class Attribute(Hsds):
    link_id: UUID | None = None
    taxonomy_term_id: UUID | None = None
    link_type: Text | None = None
    link_entity: Text | None = None
    value: Text | None = None
    taxonomy_term: TaxonomyTermDocument | None = None
    metadata: list[Metadata] = Field(default_factory=list, max_length=_MANY)
    label: Text | None = None


class Described(Hsds):
    """An object with the attributes and metadata that HSDS allows."""

    attributes: list[Attribute] = Field(default_factory=list, max_length=_MANY)
    metadata: list[Metadata] = Field(default_factory=list, max_length=_MANY)


class Language(Described):
    service_id: UUID | None = None
    location_id: UUID | None = None
    phone_id: UUID | None = None
    name: Text | None = None
    code: Text | None = None
    note: Text | None = None


class Phone(Described):
    location_id: UUID | None = None
    service_id: UUID | None = None
    organization_id: UUID | None = None
    contact_id: UUID | None = None
    service_at_location_id: UUID | None = None
    number: Short
    extension: Number | None = None
    type: Text | None = None
    description: Text | None = None
    languages: list[Language] = Field(default_factory=list, max_length=_MANY)
    visibility: Visibility | None = None


class Contact(Described):
    organization_id: UUID | None = None
    service_id: UUID | None = None
    service_at_location_id: UUID | None = None
    location_id: UUID | None = None
    name: Text | None = None
    title: Text | None = None
    department: Text | None = None
    email: Email | None = None
    phones: list[Phone] = Field(default_factory=list, max_length=_MANY)
    visibility: Visibility | None = None


class Schedule(Described):
    service_id: UUID | None = None
    location_id: UUID | None = None
    service_at_location_id: UUID | None = None
    valid_from: DateText | None = None
    valid_to: DateText | None = None
    dtstart: DateText | None = None
    timezone: Number | None = None
    until: DateText | None = None
    count: Number | None = None
    wkst: Weekday | None = None
    freq: Literal["WEEKLY", "MONTHLY"] | None = None
    interval: Number | None = None
    byday: Text | None = None
    byweekno: Text | None = None
    bymonthday: Text | None = None
    byyearday: Text | None = None
    description: Text | None = None
    opens_at: TimeText | None = None
    closes_at: TimeText | None = None
    schedule_link: Uri | None = None
    attending_type: Text | None = None
    notes: Text | None = None


class Address(Described):
    location_id: UUID | None = None
    attention: Text | None = None
    address_1: Text
    address_2: Text | None = None
    city: Text
    region: Text | None = None
    state_province: Text
    postal_code: Text
    country: Text
    address_type: Literal["physical", "postal", "virtual"]


class Accessibility(Described):
    location_id: UUID | None = None
    description: Text | None = None
    details: Text | None = None
    url: Uri | None = None


class Url(Described):
    label: Text | None = None
    url: Uri
    organization_id: UUID | None = None
    service_id: UUID | None = None


class Funding(Described):
    organization_id: UUID | None = None
    service_id: UUID | None = None
    source: Text | None = None


class Program(Described):
    organization_id: UUID | None = None
    name: Short
    alternate_name: Text | None = None
    description: Text


class OrganizationIdentifier(Described):
    organization_id: UUID | None = None
    identifier_scheme: Text | None = None
    identifier_type: Text
    identifier: Text


class ServiceArea(Described):
    """A service area. In this profile, `extent_type: pcode` with a P-code in `extent` names it."""

    service_id: UUID | None = None
    service_at_location_id: UUID | None = None
    name: Text | None = None
    description: Text | None = None
    extent: Text | None = None
    extent_type: Text | None = None
    uri: Text | None = None


class CostOption(Described):
    service_id: UUID | None = None
    valid_from: DateText | None = None
    valid_to: DateText | None = None
    option: Text | None = None
    currency: Text | None = None
    amount: Number | None = None
    amount_description: Text | None = None


class RequiredDocument(Described):
    service_id: UUID | None = None
    document: Text | None = None
    uri: Uri | None = None


class Unit(Described):
    name: Short
    scheme: Text | None = None
    identifier: Text | None = None
    uri: Uri | None = None


class ServiceCapacity(Described):
    service_id: UUID | None = None
    unit: Unit
    unit_id: UUID | None = None
    available: Number
    maximum: Number | None = None
    description: Text | None = None
    updated: InstantText


class LocationDocument(Described):
    location_type: Literal["physical", "postal", "virtual"]
    url: Uri | None = None
    organization_id: UUID | None = None
    name: Text | None = None
    alternate_name: Text | None = None
    description: Text | None = None
    transportation: Text | None = None
    latitude: Number | None = None
    longitude: Number | None = None
    external_identifier: Text | None = None
    external_identifier_type: Text | None = None
    languages: list[Language] = Field(default_factory=list, max_length=_MANY)
    addresses: list[Address] = Field(default_factory=list, max_length=_MANY)
    contacts: list[Contact] = Field(default_factory=list, max_length=_MANY)
    accessibility: list[Accessibility] = Field(default_factory=list, max_length=_MANY)
    phones: list[Phone] = Field(default_factory=list, max_length=_MANY)
    schedules: list[Schedule] = Field(default_factory=list, max_length=_MANY)
    visibility: Visibility | None = None
    pcode: PCode | None = None


class OrganizationDocument(Described):
    name: Short
    alternate_name: Text | None = None
    description: Text
    email: Email | None = None
    website: Uri | None = None
    additional_websites: list[Url] = Field(default_factory=list, max_length=_MANY)
    tax_status: Text | None = None
    tax_id: Text | None = None
    year_incorporated: Number | None = None
    legal_status: Text | None = None
    logo: Text | None = None
    uri: Uri | None = None
    parent_organization_id: UUID | None = None
    funding: list[Funding] = Field(default_factory=list, max_length=_MANY)
    contacts: list[Contact] = Field(default_factory=list, max_length=_MANY)
    phones: list[Phone] = Field(default_factory=list, max_length=_MANY)
    locations: list[LocationDocument] = Field(default_factory=list, max_length=_MANY)
    programs: list[Program] = Field(default_factory=list, max_length=_MANY)
    organization_identifiers: list[OrganizationIdentifier] = Field(
        default_factory=list, max_length=_MANY
    )
    visibility: Visibility | None = None
    organization_type: Text | None = None
    translations: Translations = Field(default_factory=dict)


class ServiceAtLocation(Described):
    service_id: UUID | None = None
    location_id: UUID | None = None
    description: Text | None = None
    service_areas: list[ServiceArea] = Field(default_factory=list, max_length=_MANY)
    contacts: list[Contact] = Field(default_factory=list, max_length=_MANY)
    phones: list[Phone] = Field(default_factory=list, max_length=_MANY)
    schedules: list[Schedule] = Field(default_factory=list, max_length=_MANY)
    location: LocationDocument | None = None
    visibility: Visibility | None = None


class ServiceDocument(Described):
    """A service with all its parts."""

    organization_id: UUID | None = None
    program_id: UUID | None = None
    name: Short
    alternate_name: Text | None = None
    description: Text | None = None
    url: Uri | None = None
    additional_urls: list[Url] = Field(default_factory=list, max_length=_MANY)
    email: Email | None = None
    status: Literal["active", "inactive", "defunct", "temporarily closed"] = "active"
    interpretation_services: Text | None = None
    application_process: Text | None = None
    fees_description: Text | None = None
    wait_time: Text | None = None
    fees: Text | None = None
    accreditations: Text | None = None
    eligibility_description: Text | None = None
    minimum_age: Number | None = None
    maximum_age: Number | None = None
    assured_date: DateText | None = None
    assurer_email: Email | None = None
    licenses: Text | None = None
    alert: Text | None = None
    last_modified: InstantText | None = None
    phones: list[Phone] = Field(default_factory=list, max_length=_MANY)
    schedules: list[Schedule] = Field(default_factory=list, max_length=_MANY)
    service_areas: list[ServiceArea] = Field(default_factory=list, max_length=_MANY)
    service_at_locations: list[ServiceAtLocation] = Field(default_factory=list, max_length=_MANY)
    languages: list[Language] = Field(default_factory=list, max_length=_MANY)
    organization: OrganizationDocument | None = None
    funding: list[Funding] = Field(default_factory=list, max_length=_MANY)
    cost_options: list[CostOption] = Field(default_factory=list, max_length=_MANY)
    program: Program | None = None
    required_documents: list[RequiredDocument] = Field(default_factory=list, max_length=_MANY)
    contacts: list[Contact] = Field(default_factory=list, max_length=_MANY)
    capacities: list[ServiceCapacity] = Field(default_factory=list, max_length=_MANY)

    categories: list[Category] = Field(default_factory=list, max_length=50)
    pathway: list[PathwayStep] = Field(default_factory=list, max_length=50)
    visibility: Visibility | None = None
    functional_status: FunctionalStatus | None = None
    pre_crisis: PreCrisis | None = None
    provider_level: Literal["national", "international"] | None = None
    eligibility: Eligibility | None = None
    referral: Referral | None = None
    verification: Verification | None = None
    capacity_state: CapacityState | None = None
    translations: Translations = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ages_in_order(self) -> Self:
        low, high = self.minimum_age, self.maximum_age
        if low is not None and high is not None and low > high:
            raise PydanticCustomError(
                "ages_reversed",
                "minimum_age is above maximum_age",
                {"field": "minimum_age", "given": f"{low} > {high}"},
            )
        return self

    @model_validator(mode="after")
    def _areas_are_places(self) -> Self:
        for index, area in enumerate(self.service_areas):
            if area.extent_type == "pcode" and not Places.load().is_known(area.extent or ""):
                raise ValueError(f"service_areas/{index}/extent is not a known P-code")
        return self
