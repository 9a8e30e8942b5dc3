"""FHIR R4B models. They load on the first FHIR request, because they use a tenth of the service's memory."""

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.healthcareservice import HealthcareService
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task

__all__ = (
    "Bundle",
    "CapabilityStatement",
    "Consent",
    "HealthcareService",
    "Organization",
    "Patient",
    "ServiceRequest",
    "Task",
)
