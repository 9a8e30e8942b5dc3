"""Names of code systems, profiles and extensions in our FHIR resources. Pure."""

from typing import Any

SYSTEM = "urn:ruta:codes"
CASE, SERVICE, REFERRAL = "urn:ruta:case", "urn:ruta:service", "urn:ruta:referral"
ORGANISATION = "urn:ruta:organisation"
# Fields without an element in FHIR R4.
SAFE_CONTACT, METHOD = "urn:ruta:safe-contact", "urn:ruta:method"
DECIDED_BY, CHILD_ASSENT = "urn:ruta:decided-by", "urn:ruta:child-assent"
WITHDRAWAL_CODE = "urn:ruta:withdrawal-code"

TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
TASK_STATUS = "http://hl7.org/fhir/task-status"
REQUEST_STATUS = "http://hl7.org/fhir/request-status"
CONSENT_STATUS = "http://hl7.org/fhir/consent-state-codes"
PRIORITY = "http://hl7.org/fhir/request-priority"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
EXPORT = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"
BSER = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
# Our Tasks follow this profile except for reference targets, so none claims it (docs/decisions/0160).
TASK_PROFILE = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-TaskForReferralManagement"
)


def concept(code: str, text: str | None = None, *also: tuple[str, str]) -> dict[str, Any]:
    """Return our own code first, then `also`, the same concept in other systems, each as (system, code)."""
    systems = [(SYSTEM, code), *also]
    coding: dict[str, Any] = {"coding": [{"system": s, "code": c} for s, c in systems]}
    return {**coding, "text": text} if text else coding


def reference(kind: str, system: str, identifier: object) -> dict[str, Any]:
    """Return a reference to one of our resources, including its identifier for readers without access."""
    return {
        "reference": f"{kind}/{identifier}",
        "type": kind,
        "identifier": {"system": system, "value": str(identifier)},
    }


def organisation(identifier: object) -> dict[str, Any]:
    return reference("Organization", ORGANISATION, identifier)


def patient(case_id: object) -> dict[str, Any]:
    return reference("Patient", CASE, case_id)


def service(service_id: object) -> dict[str, Any]:
    return reference("HealthcareService", SERVICE, service_id)


def extension(url: str, code: str) -> dict[str, str]:
    return {"url": url, "valueCode": code}
