"""Maps between the lifecycle and FHIR R4 (Gravity SDOH, BSeR). Pure: dictionaries in and out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.words.choices import words, words_of
from common.words.referral_states import ReferralState

from referrals.referral.fhir import codes
from referrals.referral.fhir.codes import (
    BSER,
    CASE,
    CHILD_ASSENT,
    DECIDED_BY,
    METHOD,
    SAFE_CONTACT,
    SERVICE,
    SYSTEM,
    concept,
    organisation,
)
from referrals.referral.referrals.lifecycle import Command

_ROWS = words_of("referral_states", ReferralState)
STATUS = {state: row["fhir"] for state, row in _ROWS.items()}
_OF_REQUESTS = {
    "draft": "draft",
    "on-hold": "on-hold",
    "completed": "completed",
    "entered-in-error": "entered-in-error",
    "cancelled": "revoked",
    "rejected": "revoked",
    "failed": "revoked",
}
REQUEST_STATUS: Mapping[ReferralState, str] = {
    state: _OF_REQUESTS.get(status, "active") for state, status in STATUS.items()
}
# Keyed by a grant's displayed status; any other status means that the grant has ended.
CONSENT_STATUS: Mapping[str, str] = {
    "active": "active",
    "pending": "proposed",
    "refused": "rejected",
    "withdrawn": "inactive",
    "expired": "inactive",
}
# Status codes of the Bidirectional Services eReferral workflow.
BUSINESS_CODE = {state: row["bser"] for state, row in _ROWS.items() if row["bser"]}
_STATE_OF_BUSINESS_CODE = {code: state.value for state, code in BUSINESS_CODE.items()}
URGENCY = {code: own for own, row in words("urgencies").items() for code in row["fhir"].split()}
PRIORITY = {own: row["fhir"].split()[0] for own, row in words("urgencies").items()}
"""The FHIR code that we write for an urgency; we accept others too."""

_NEW_REQUESTS = ("draft", "active")
_TURNS_AROUND = ("modifierExtension", "implicitRules")
_OF_A_PROVISION = frozenset(
    {"id", "extension", "type", "action", "purpose", "code", "actor", "period"}
)


class CannotMap(Exception):
    """The resource matches no operation here. `pointer` gives the location, and the message gives the reason."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


def task(referral: Any) -> dict[str, Any]:
    """Return a referral as a Task. It contains only codes; a case code represents the person."""
    state = ReferralState(referral.state)
    also = [(BSER, BUSINESS_CODE[state])] if state in BUSINESS_CODE else []
    resource: dict[str, Any] = {
        "resourceType": "Task",
        "id": str(referral.id),
        "meta": {"versionId": str(referral.version), "lastUpdated": referral.changed_at},
        "identifier": [
            {
                "type": {"coding": [{"system": codes.IDENTIFIER_TYPE, "code": "PLAC"}]},
                "system": codes.REFERRAL,
                "value": str(referral.id),
            }
        ],
        "status": STATUS[state],
        "businessStatus": concept(state.value, state.value, *also),
        "intent": "order",
        "priority": PRIORITY[referral.urgency],
        "code": {
            "coding": [
                {"system": system, "code": "fulfill"} for system in (codes.TASK_CODE, SYSTEM)
            ]
        },
        "focus": {"reference": f"ServiceRequest/{referral.id}"},
        "for": codes.patient(referral.case_id),
        "authoredOn": referral.created_at,
        "lastModified": referral.changed_at,
        "requester": organisation(referral.from_organisation),
        "owner": organisation(referral.to_organisation),
    }
    if referral.reason:
        resource["statusReason"] = concept(referral.reason, referral.reason)
    if referral.outcome:
        resource["output"] = [
            {"type": concept("outcome"), "valueCodeableConcept": concept(referral.outcome)}
        ]
    return resource


def service_request(referral: Any) -> dict[str, Any]:
    state = ReferralState(referral.state)
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": str(referral.id),
        "meta": {"versionId": str(referral.version), "lastUpdated": referral.changed_at},
        "status": REQUEST_STATUS[state],
        "intent": "order",
        "priority": PRIORITY[referral.urgency],
        "code": concept(referral.category),
        "subject": codes.patient(referral.case_id),
        "authoredOn": referral.created_at,
        "requester": organisation(referral.from_organisation),
        "performer": [organisation(referral.to_organisation), codes.service(referral.service_id)],
    }
    if referral.grant_id:
        resource["supportingInfo"] = [{"reference": f"Consent/{referral.grant_id}"}]
    if referral.replaces:
        resource["replaces"] = [{"reference": f"ServiceRequest/{referral.replaces}"}]
    return resource


def consent(grant: Any, status: str, changed_at: datetime) -> dict[str, Any]:
    """Return a grant as a Consent. `status` is the status in our own API; `changed_at` is when that status began."""
    provision: dict[str, Any] = {
        "type": "permit",
        "action": [concept("disclose", None, (codes.CONSENT_ACTION, "disclose"))],
        "purpose": [{"system": SYSTEM, "code": grant.purpose or grant.kind}],
        "code": [concept(item) for item in grant.items],
    }
    if grant.service_id:
        role = concept("recipient", None, (codes.PARTICIPATION, "IRCP"))
        provision["actor"] = [{"role": role, "reference": codes.service(grant.service_id)}]
    if grant.valid_until:
        provision["period"] = {"end": grant.valid_until}
    return {
        "resourceType": "Consent",
        "id": str(grant.id),
        "meta": {"versionId": str(grant.version), "lastUpdated": changed_at},
        "status": CONSENT_STATUS.get(status, "inactive"),
        "scope": concept("patient-privacy", None, (codes.CONSENT_SCOPE, "patient-privacy")),
        "category": [concept(grant.kind, None, (codes.ACT, "IDSCL"))],
        "patient": codes.patient(grant.case_id),
        "dateTime": grant.given_at,
        "organization": [organisation(grant.organisation_id)],
        "policyRule": concept("opt-in", None, (codes.ACT, "OPTIN")),
        "provision": provision,
    }


def patient(case_id: Any) -> dict[str, Any]:
    """Return a person as a Patient that contains only a case code."""
    return {
        "resourceType": "Patient",
        "id": str(case_id),
        "identifier": [{"system": CASE, "value": str(case_id)}],
    }


def organization(organisation_id: Any) -> dict[str, Any]:
    """Return an organisation by its id; the directory contains its names."""
    return {
        "resourceType": "Organization",
        "id": str(organisation_id),
        "identifier": [{"system": codes.ORGANISATION, "value": str(organisation_id)}],
    }


def healthcare_service(service: Any, *, choosable: bool) -> dict[str, Any]:
    """Return a directory service. `choosable`: the service currently accepts referrals."""
    return {
        "resourceType": "HealthcareService",
        "id": str(service.service_id),
        "meta": {"versionId": str(service.version)},
        "identifier": [{"system": SERVICE, "value": str(service.service_id)}],
        "active": choosable,
        "providedBy": organisation(service.organisation_id),
        "category": [concept(category) for category in service.categories],
        "coverageArea": [
            {"type": "Location", "identifier": {"system": "urn:ruta:place", "value": area}}
            for area in service.areas
        ],
    }


def draft_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the draft for a new ServiceRequest; raise CannotMap if it does not map."""
    refuse_what_turns_it_around(request)
    if request.get("doNotPerform"):
        raise CannotMap("/doNotPerform", "It asks that something is not done: nothing is drafted.")
    if request.get("status") not in _NEW_REQUESTS:
        raise CannotMap("/status", "Of a new ServiceRequest it is 'draft' or 'active'.")
    draft: dict[str, Any] = {
        "case_id": _identifier([request.get("subject")], CASE, "/subject/identifier"),
        "service_id": _identifier(request.get("performer"), SERVICE, "/performer"),
        "category": _code(request.get("code")),
        "urgency": URGENCY.get(str(request.get("priority", "routine"))),
        "from_case": [_code(detail) for detail in request.get("orderDetail") or []],
    }
    told = [reason["text"] for reason in request.get("reasonCode") or [] if reason.get("text")]
    if told:
        draft["payload"] = {"situation": "\n".join(told)}
    rule = _extension(request, SAFE_CONTACT)
    if rule is not None:
        draft["safe_contact"] = {"rule": rule}
    deadline = (request.get("occurrencePeriod") or {}).get("end")
    if deadline is not None:
        draft["clinical_deadline"] = deadline
    for replaced in request.get("replaces") or []:
        draft["replaces"] = str(replaced.get("reference")).removeprefix("ServiceRequest/")
    return draft


def decision_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the decision for a new Consent. Raise CannotMap if it permits nothing, or is narrower than a grant can
    express."""
    refuse_what_turns_it_around(resource)
    provision = resource.get("provision") or {}
    _refuse_no(resource, provision)
    kinds = [_code(category) for category in resource.get("category") or []]
    decision: dict[str, Any] = {
        "case_id": _identifier([resource.get("patient")], CASE, "/patient/identifier"),
        "kind": kinds[0] if kinds else None,
        "method": _extension(resource, METHOD),
        "decided_by": _extension(resource, DECIDED_BY) or "person",
        "child_assent": _extension(resource, CHILD_ASSENT),
        "given_at": resource.get("dateTime"),
        "valid_until": (provision.get("period") or {}).get("end"),
    }
    if decision["kind"] == "referral":
        actors = [actor.get("reference") for actor in provision.get("actor") or []]
        decision |= {
            "service_id": _identifier(actors, SERVICE, "/provision/actor"),
            "purpose": next((p.get("code") for p in provision.get("purpose") or []), None),
            "items": [_code(item) for item in provision.get("code") or []],
        }
    return decision


def refuse_what_turns_it_around(found: Any, where: str = "") -> None:
    """Raise CannotMap for any modifier, because it may reverse the meaning (FHIR R4 §2.4.0.1) and Ruta supports
    none."""
    if isinstance(found, list):
        for at, each in enumerate(found):
            refuse_what_turns_it_around(each, f"{where}/{at}")
    elif isinstance(found, Mapping):
        for name, value in found.items():
            if name in _TURNS_AROUND:
                raise CannotMap(
                    f"{where}/{name}", "What it says is not understood here: leave it out."
                )
            refuse_what_turns_it_around(value, f"{where}/{name}")


def _refuse_no(resource: Mapping[str, Any], provision: Mapping[str, Any]) -> None:
    """Refuse a Consent that denies anything, or permits something more narrowly than a grant can express."""
    if resource.get("status") != "active":
        raise CannotMap(
            "/status",
            "Only a decision that holds ('active') is recorded. Without one nothing is shared; one that was"
            " recorded before is withdrawn.",
        )
    rules = (resource.get("policyRule") or {}).get("coding") or []
    if any(str(each.get("code")).upper().startswith("OPTOUT") for each in rules):
        raise CannotMap(
            "/policyRule", "The person opted out: nothing is recorded, nothing is shared."
        )
    if provision.get("type", "permit") != "permit":
        raise CannotMap("/provision/type", "It denies: nothing is recorded, nothing is shared.")
    if narrowing := sorted(provision.keys() - _OF_A_PROVISION):
        raise CannotMap(
            f"/provision/{narrowing[0]}",
            "A decision here cannot be narrowed by this. Name in 'code' only what may be shared, and leave it out.",
        )
    begins = (provision.get("period") or {}).get("start")
    if begins is not None and str(begins)[:10] > str(resource.get("dateTime") or "")[:10]:
        raise CannotMap(
            "/provision/period/start",
            "A decision holds from its 'dateTime' on: record one that begins later when it begins.",
        )


def _extension(resource: Mapping[str, Any], url: str) -> str | None:
    given = resource.get("extension") or []
    return next((e.get("valueCode") for e in given if e.get("url") == url), None)


def _identifier(references: Any, system: str, where: str) -> str:
    for reference in references or []:
        identifier = (reference or {}).get("identifier") or {}
        if identifier.get("system") == system and identifier.get("value"):
            return str(identifier["value"])
    raise CannotMap(where, f"Name it by an identifier of the system {system}.")


def command_of(  # noqa: C901, PLR0912 - one case per edge of the state table reads best flat
    task_body: Mapping[str, Any], state: ReferralState
) -> tuple[Command, dict[str, Any]]:
    """Return the command for an updated Task, with our own request body; raise CannotMap if it does not map."""
    status = str(task_body.get("status"))
    business = _code(task_body.get("businessStatus")) or _of_bser(task_body)
    reason = _code(task_body.get("statusReason"))
    period = (task_body.get("restriction") or {}).get("period") or {}
    match status:
        case "requested" if state is ReferralState.DRAFT:
            return Command.SEND, {"grant_id": _consent_id(task_body)}
        case "requested" if state is ReferralState.INFO_REQUESTED:
            return Command.ANSWER_INFORMATION, {"payload": _texts(task_body)}
        case "requested" if business == "waitlisted":
            expected_on = str(_needed(period, "end"))[:10]
            agrees = _inputs(task_body).get("person_agrees", {}).get("valueBoolean")
            return Command.WAITLIST, {"expected_on": expected_on, "person_agrees": agrees}
        case "requested" if business == "info_requested":
            return Command.REQUEST_INFORMATION, {"question": _note(task_body)}
        case "requested" | "received" if business in (None, "acknowledged", "sent"):
            return Command.ACKNOWLEDGE, {}
        case "accepted" if business == "scheduled":
            return Command.SCHEDULE, {"appointment_at": _needed(period, "start")}
        case "accepted":
            focal_point = (task_body.get("owner") or {}).get("display")
            if not focal_point:
                raise CannotMap("/owner/display", "Name the responsible focal point.")
            return Command.ACCEPT, {"focal_point": focal_point}
        case "rejected":
            return Command.DECLINE, {"reason": reason}
        case "in-progress":
            return (Command.RESUME if state is ReferralState.ON_HOLD else Command.START), {}
        case "on-hold":
            review_on = str(_needed(period, "end"))[:10]
            return Command.HOLD, {"reason": reason, "review_on": review_on}
        case "completed":
            return Command.COMPLETE, {"outcome": _outcome(task_body)}
        case "failed":
            return Command.REPORT_NOT_DELIVERED, {"reason": reason}
        case "cancelled" if reason == "withdrawn":
            return Command.WITHDRAW, {}
        case "cancelled":
            return Command.RECALL, {"reason": reason}
        case "entered-in-error":
            return Command.ENTER_IN_ERROR, {"reason": reason}
    raise CannotMap("/status", f"'{status}' is no step from '{state}' here.")


def _code(found: Any) -> str | None:
    codings = (found or {}).get("coding") or []
    own = [c.get("code") for c in codings if c.get("system") in (SYSTEM, None)]
    return own[0] if own else None


def _of_bser(body: Mapping[str, Any]) -> str | None:
    codings = (body.get("businessStatus") or {}).get("coding") or []
    told = (c.get("code") for c in codings if c.get("system") == BSER)
    return next((_STATE_OF_BUSINESS_CODE[c] for c in told if c in _STATE_OF_BUSINESS_CODE), None)


def _needed(period: Mapping[str, Any], end: str) -> Any:
    if not period.get(end):
        raise CannotMap(f"/restriction/period/{end}", "This step needs the date here.")
    return period[end]


def _outcome(body: Mapping[str, Any]) -> str | None:
    for output in body.get("output") or []:
        if _code(output.get("type")) == "outcome":
            return _code(output.get("valueCodeableConcept"))
    raise CannotMap("/output", "Say what was delivered: an output of type 'outcome'.")


def _inputs(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {_code(given.get("type")): given for given in body.get("input") or []}
    return {code: given for code, given in found.items() if code}


def _texts(body: Mapping[str, Any]) -> dict[str, str]:
    texts = {code: given.get("valueString") for code, given in _inputs(body).items()}
    given = {code: text for code, text in texts.items() if text is not None}
    if not given:
        raise CannotMap("/input", "Answer by inputs: the item's code as type, a valueString.")
    return given


def _note(body: Mapping[str, Any]) -> str:
    for note in body.get("note") or []:
        if note.get("text"):
            return str(note["text"])
    raise CannotMap("/note", "Ask the question in a note.")


def fresh_consent(body: Mapping[str, Any], state: ReferralState, own: Any) -> str | None:
    """Return the new Consent of a sent referral, if its Task keeps the status but references a Consent other than
    `own`."""
    named = _named_consent(body)
    keeps = state is not ReferralState.DRAFT and body.get("status") == STATUS[state]
    return named if keeps and named != str(own) else None


def _consent_id(body: Mapping[str, Any]) -> str:
    if (named := _named_consent(body)) is not None:
        return named
    raise CannotMap("/input", "Sending needs an input with a reference to the Consent.")


def _named_consent(body: Mapping[str, Any]) -> str | None:
    for given in body.get("input") or []:
        reference = str((given.get("valueReference") or {}).get("reference") or "")
        if reference.startswith("Consent/"):
            return reference.removeprefix("Consent/")
    return None


def named_by(kind: str, parameter: str, resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the (kind, id) pairs that a resource references through a search parameter."""
    element = _ELEMENTS.get((kind, parameter), parameter)
    found = resource.get(element) or []
    references = found if isinstance(found, list) else [found]
    parts = [str(each.get("reference") or "").split("/") for each in references]
    return [(part[0], part[1]) for part in parts if len(part) == 2]


_ELEMENTS = {
    ("Task", "patient"): "for",
    ("Task", "subject"): "for",
    ("ServiceRequest", "patient"): "subject",
    ("HealthcareService", "organization"): "providedBy",
}
