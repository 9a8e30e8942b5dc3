"""Referrals for health information systems: FHIR R4 Task, ServiceRequest, Consent."""
