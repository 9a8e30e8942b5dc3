"""At least twenty records from each system in its documented format, with invented content.

`peer_words.csv` names the sources of the formats.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from referrals.listening.intake.peer_words import Peer

Body = dict[str, Any]
NOTE = "Do not call her husband"


@dataclass(frozen=True)
class Record:
    """A record. `ends` is `taken`, a quarantine reason, `not_kept` or `refused`."""

    peer: Peer
    name: str
    body: Body
    ends: str


def _at(body: Any, path: str) -> tuple[Any, Any]:
    *groups, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for group in groups:
        body = body[group]
    return body, last


def _with(body: Body, changes: Body) -> Body:
    changed = deepcopy(body)
    for path, value in changes.items():
        holder, last = _at(changed, path)
        holder[last] = value
    return changed


_KOBO: Body = {
    "_id": 512,
    "formhub/uuid": "5f1c0c7ab2d94e0fa1d7d9b4f0c1a2b3",
    "start": "2026-11-20T09:58:11.402-04:00",
    "end": "2026-11-20T10:31:40.117-04:00",
    "today": "2026-11-20",
    "deviceid": "collect:oHpo9Ww",
    "person/first": "Yolimar",
    "person/last": "Canaria",
    "person/age": "30",
    "person/sex": "f",
    "services": [
        {"services/type": "medical", "services/since": "2026-11-01"},
        {"services/type": "psychosocial", "services/since": "2026-11-02"},
    ],
    "__version__": "vK3hJq9d",
    "meta/instanceID": "uuid:0",
    "_xform_id_string": "aBcDeFgHiJkLmN",
    "_uuid": "0",
    "_attachments": [{"id": 1, "mimetype": "image/jpeg", "question_xpath": "photo"}],
    "_status": "submitted_via_web",
    "_geolocation": [10.64, -71.6],
    "_submission_time": "2026-11-20T14:32:05",
    "_tags": [],
    "_notes": [],
    "_validation_status": {},
    "_submitted_by": "field1",
}
_KOBO_STATE = "_validation_status"
_ODK: Body = {
    "__id": "uuid:0",
    "__system": {
        "submissionDate": "2026-11-10T06:27:25.154Z",
        "updatedAt": None,
        "submitterId": "5",
        "submitterName": "field-1",
        "attachmentsPresent": 0,
        "attachmentsExpected": 0,
        "status": None,
        "reviewState": None,
        "deviceId": "collect:oHpo9Ww",
        "edits": 0,
        "formVersion": "20261101",
        "deletedAt": None,
    },
    "meta": {"instanceID": "uuid:0", "instanceName": "registration"},
    "start": "2026-11-10T02:20:00.000-04:00",
    "person": {"first": "Yolimar", "last": "Canaria", "age": 30, "sex": "f"},
    "services@odata.navigationLink": "Submissions('uuid%3A0')/services",
    "services": [
        {"__id": "a1", "type": "medical", "since": "2026-11-01", "__Submissions-id": "uuid:0"},
        {"__id": "b2", "type": "psychosocial", "since": "2026-11-02", "__Submissions-id": "uuid:0"},
    ],
}
_ODK_STATE = "__system.reviewState"
_COMMCARE: Body = {
    "id": "0",
    "domain": "example",
    "app_id": "db9f874f0219444ee7848ddd023e292e",
    "build_id": "78698f1516e7d16689e05fce852d1e9c",
    "archived": False,
    "type": "data",
    "version": "10",
    "uiversion": "1",
    "received_on": "2026-11-10T20:14:34.046462Z",
    "edited_on": None,
    "is_phone_submission": True,
    "attachments": {"form.xml": {"content_type": "text/xml", "length": 2100, "url": "https://x"}},
    "form": {
        "@name": "Registration",
        "@uiVersion": "1",
        "@version": "10",
        "@xmlns": "http://openrosa.org/formdesigner/B9C4EB51",
        "#type": "data",
        "case": {
            "@case_id": "b0916685-7247-4c44-b712-633d3d64e0c0",
            "@date_modified": "2026-11-10T20:04:54.950000Z",
            "@user_id": "d0e472a6b36dfd3ee5059222e12b8c1b",
            "@xmlns": "http://commcarehq.org/case/transaction/v2",
            "create": {"case_name": "Yolimar Canaria", "case_type": "person", "owner_id": "g1"},
            "update": {"age": "30"},
        },
        "person": {"first": "Yolimar", "last": "Canaria", "age": "30", "sex": "f"},
        "services": [{"type": "medical"}, {"type": "psychosocial"}],
        "meta": {
            "@xmlns": "http://openrosa.org/jr/xforms",
            "appVersion": {"#text": "CommCare 2.55", "@xmlns": "http://commcarehq.org/xforms"},
            "deviceID": "commcare_1",
            "instanceID": "0",
            "timeStart": "2026-11-10T16:04:50.000-04",
            "timeEnd": "2026-11-10T16:04:54.950-04:00",
            "userID": "d0e472a6b36dfd3ee5059222e12b8c1b",
            "username": "worker1",
        },
    },
    "metadata": {"userID": "d0e472a6b36dfd3ee5059222e12b8c1b", "username": "worker1"},
}
_PRIMERO: Body = {
    "data": {
        "record_id": "0",
        "record_type": "case",
        "hostname": "primero.example.org",
        "case_id_display": "f15a1a9",
        "status": "open",
        "record_state": True,
        "hidden_name": False,
        "flag_count": 0,
        "name": "Yolimar Canaria",
        "age": 30,
        "sex": "f",
        "owned_by": "primero_cp",
        "created_at": "2026-11-10T05:34:59.514Z",
        "last_updated_at": "2026-11-11T05:34:59.514Z",
        "consent_for_services": True,
        "photos": [],
        "services_section": [
            {"unique_id": "6b2", "service_type": "medical", "service_implemented": "no"},
            {"unique_id": "9c1", "service_type": "psychosocial"},
        ],
    }
}
_ACTIVITYINFO: Body = {
    "recordId": "0",
    "formId": "c5f1m2kl2k3f1xe",
    "parentRecordId": None,
    "lastEditTime": 1_762_755_000,
    "fields": {
        "first": "Yolimar",
        "last": "Canaria",
        "age": 30,
        "sex": "f",
        "type": ["medical", "psychosocial"],
    },
}
_USER = {"uid": "xE7jOejl9FI", "username": "fieldworker", "firstName": "F", "surname": "W"}
_EVENT: Body = {
    "event": "ZwwuwNp6gVd",
    "status": "COMPLETED",
    "program": "IpHINAT79UW",
    "programStage": "stage",
    "orgUnit": "DiszpKrYNg8",
    "occurredAt": "2026-11-09T00:00:00.000",
    "scheduledAt": "2026-11-09T00:00:00.000",
    "followUp": False,
    "deleted": False,
    "createdBy": _USER,
    "notes": [],
    "dataValues": [
        {"dataElement": "type", "value": "medical", "providedElsewhere": False, "createdBy": _USER}
    ],
}
_ENTITY: Body = {
    "trackedEntity": "0",
    "trackedEntityType": "nEenWmSyUEp",
    "orgUnit": "DiszpKrYNg8",
    "createdAt": "2026-11-08T10:44:28.258",
    "updatedAt": "2026-11-10T10:44:28.258",
    "inactive": False,
    "deleted": False,
    "potentialDuplicate": False,
    "attributes": [
        {"attribute": "first", "displayName": "First", "valueType": "TEXT", "value": "Yolimar"},
        {"attribute": "last", "displayName": "Last", "valueType": "TEXT", "value": "Canaria"},
    ],
    "enrollments": [
        {
            "enrollment": "JMgRZyeLWOo",
            "program": "IpHINAT79UW",
            "status": "ACTIVE",
            "enrolledAt": "2026-11-08T00:00:00.000",
            "followUp": False,
            "deleted": False,
            "notes": [],
            "attributes": [
                {"attribute": "age", "value": "30"},
                {"attribute": "sex", "value": "f"},
            ],
            "events": [
                _EVENT,
                _with(_EVENT, {"event": "b", "dataValues.0.value": "psychosocial"}),
            ],
        }
    ],
}
_ENROLLED = "enrollments.0"
_NOTED = [{"note": "n1", "value": NOTE, "storedAt": "2026-11-09", "createdBy": _USER}]


def _form_records(peer: Peer, base: Body, at: str, rows: str, row: str) -> Iterator[Record]:
    """Yield records that every form tool sends. `at` is the prefix of a question, and `row` is that of a question in a
    repeat."""
    for name, changes, ends in (
        ("whole", {}, "taken"),
        ("without an answer", {f"{at}age": None}, "taken"),
        ("an empty answer", {f"{at}age": ""}, "taken"),
        ("a number as text", {f"{at}age": "31"}, "taken"),
        ("a number of years that is no number", {f"{at}age": "about thirty"}, "invalid"),
        ("an unknown question", {f"{at}note": "no se puede llamar"}, "unmapped_field"),
        ("an answer false", {f"{at}seen": False}, "unmapped_field"),
        ("an answer zero", {f"{at}children": 0}, "unmapped_field"),
        ("an answer with parts", {f"{at}age": {"years": 30}}, "unmapped_field"),
        ("a list where one value is", {f"{at}first": ["Yolimar", "Rosa"]}, "unreadable_value"),
        ("no rows", {rows: []}, "taken"),
        ("one row", {rows: [{f"{row}type": "medical"}]}, "taken"),
        ("an unknown row", {rows: [{f"{row}type": "housing"}]}, "unknown_code"),
        ("a row with more", {rows: [{f"{row}by": "Ana"}]}, "unmapped_field"),
        ("a row in a row", {rows: [{f"{row}of": [{f"{row}by": "Ana"}]}]}, "unmapped_field"),
        ("a long name", {f"{at}first": "Y" * 900}, "invalid"),
        ("ten thousand rows", {rows: [{f"{row}type": "medical"}] * 10_000}, "refused"),
        ("a name of 300 parts", {f"{at}first": [f"N{n}" for n in range(300)]}, "unreadable_value"),
    ):
        yield Record(peer, name, _with(base, changes), ends)


def _kobotoolbox() -> Iterator[Record]:
    peer, base = Peer.KOBOTOOLBOX, _KOBO
    yield from _form_records(peer, base, "person/", "services", "services/")
    for name, changes, ends in (
        (
            "approved",
            {_KOBO_STATE: {"uid": "validation_status_approved", "by_whom": "cp"}},
            "taken",
        ),
        ("on hold", {_KOBO_STATE: {"uid": "validation_status_on_hold"}}, "record_waits"),
        ("not approved", {_KOBO_STATE: {"uid": "validation_status_not_approved"}}, "not_kept"),
        ("a state that nobody knows", {_KOBO_STATE: {"uid": "new"}}, "unmapped_field"),
        ("a note", {"_notes": [NOTE]}, "taken"),
        ("a note with its author", {"_notes": [{"id": 7, "note": NOTE, "owner": "cp"}]}, "taken"),
        ("a note too long", {"_notes": [NOTE * 30]}, "too_long"),
        ("a tag", {"_tags": ["urgent"]}, "unmapped_field"),
        ("e-mail of the person", {"email": "y@example.org"}, "unmapped_field"),
        ("telephone of the person", {"phonenumber": "0414-0000000"}, "unmapped_field"),
        ("a question called start", {"start": "when he left"}, "unmapped_field"),
        ("a question called audit", {"audit": "seen by a lawyer"}, "unmapped_field"),
        ("a question with an underscore", {"_danger": "yes"}, "unmapped_field"),
    ):
        yield Record(peer, name, _with(base, changes), ends)


def _odk_central() -> Iterator[Record]:
    peer, base = Peer.ODK_CENTRAL, _ODK
    yield from _form_records(peer, base, "person.", "services", "")
    point = {"type": "Point", "coordinates": [-71.6, 10.64], "properties": {"accuracy": 5}}
    for name, changes, ends in (
        ("approved", {_ODK_STATE: "approved"}, "taken"),
        ("has issues", {_ODK_STATE: "hasIssues"}, "record_waits"),
        ("rejected", {_ODK_STATE: "rejected"}, "not_kept"),
        ("deleted", {"__system.deletedAt": "2026-11-11T00:00:00Z"}, "not_kept"),
        ("encrypted", {"__system.status": "notDecrypted"}, "refused"),
        ("a place", {"person.place": point}, "unmapped_field"),
        ("another field of Central", {"__system.colour": "red"}, "unmapped_field"),
        ("a question called _uuid", {"_uuid": "of the household"}, "unmapped_field"),
    ):
        yield Record(peer, name, _with(base, changes), ends)


def _commcare() -> Iterator[Record]:
    peer, base = Peer.COMMCARE, _COMMCARE
    yield from _form_records(peer, base, "form.person.", "form.services", "")
    for name, changes, ends in (
        ("closed", {"form.case.close": ""}, "record_closed"),
        ("archived", {"archived": True}, "not_kept"),
        ("a child", {"form.child": {"case": {"create": {"case_name": "Ana"}}}}, "unmapped_field"),
        ("another property of the case", {"form.case.danger": "yes"}, "unmapped_field"),
        ("a field around the form", {"comment": NOTE}, "unmapped_field"),
        ("a question called start", {"form.start": "when he left"}, "unmapped_field"),
        ("no form", {"form": "<data/>"}, "refused"),
    ):
        yield Record(peer, name, _with(base, changes), ends)


def _primero() -> Iterator[Record]:
    peer, base = Peer.PRIMERO, _PRIMERO
    notes = [{"unique_id": "n1", "note_date": "2026-11-10", "note_text": NOTE}]
    yield from (
        Record(peer, each.name, each.body, each.ends)
        for each in _form_records(peer, base, "data.", "data.services_section", "service_")
        if "first" not in each.body["data"]  # In this format the name has a single field.
    )
    for name, changes, ends in (
        ("hidden name", {"data.name": "*******", "data.hidden_name": True}, "taken"),
        ("closed", {"data.status": "closed"}, "record_closed"),
        ("disabled", {"data.record_state": False}, "not_kept"),
        ("a state that nobody knows", {"data.status": "frozen"}, "unmapped_field"),
        ("a note", {"data.notes_section": notes}, "taken"),
        ("photos", {"data.photos": ["/rails/active_storage/photo.jpg"]}, "unmapped_field"),
        ("an incident", {"data.record_type": "incident"}, "refused"),
        ("without an id", {"data.record_id": None}, "refused"),
    ):
        yield Record(peer, name, _with(base, changes), ends)


def _activityinfo() -> Iterator[Record]:
    peer, base = Peer.ACTIVITYINFO, _ACTIVITYINFO
    row: Body = {"@id": "0", "@lastEditTime": 1_762_755_000, **_ACTIVITYINFO["fields"]}
    for name, changes, ends in (
        ("whole", {}, "taken"),
        ("without an answer", {"fields.age": None}, "taken"),
        ("an empty answer", {"fields.age": ""}, "taken"),
        ("a number as text", {"fields.age": "31"}, "taken"),
        ("a number of years that is no number", {"fields.age": "thirty"}, "invalid"),
        ("an unknown field", {"fields.note": NOTE}, "unmapped_field"),
        ("an answer false", {"fields.seen": False}, "unmapped_field"),
        ("an answer zero", {"fields.children": 0}, "unmapped_field"),
        ("a place", {"fields.place": {"latitude": 10.6, "longitude": -71.6}}, "unmapped_field"),
        ("a reference", {"fields.partner": "E0000001249:z0000000289"}, "unmapped_field"),
        ("one need", {"fields.type": "medical"}, "taken"),
        ("no need", {"fields.type": []}, "taken"),
        ("an unknown need", {"fields.type": ["housing"]}, "unknown_code"),
        ("a subform", {"fields.visits": [{"by": "Ana"}, {"by": "Eva"}]}, "unmapped_field"),
        ("two names", {"fields.first": ["Yolimar", "Rosa"]}, "unreadable_value"),
        ("a long name", {"fields.first": "Y" * 900}, "invalid"),
        ("of a parent", {"parentRecordId": "cz1"}, "taken"),
        ("another member", {"deleted": True}, "unmapped_field"),
        ("no fields", {"fields": [1]}, "refused"),
        ("without an id", {"recordId": None}, "refused"),
        ("ten thousand rows", {"fields.visits": [{"by": "Ana"}] * 10_000}, "refused"),
    ):
        yield Record(peer, name, _with(base, changes), ends)
    yield Record(peer, "a row of a query", row, "taken")
    yield Record(peer, "a row with more", {**row, "@form": "household"}, "unmapped_field")


def _dhis2() -> Iterator[Record]:
    peer, base = Peer.DHIS2, _ENTITY
    event, enrollment = f"{_ENROLLED}.events.0", base["enrollments"][0]
    again = _with(enrollment, {"enrollment": "e2", "status": "COMPLETED", "events": []})
    gone = _with(enrollment, {"enrollment": "e3", "deleted": True})
    for name, changes, ends in (
        ("whole", {}, "taken"),
        ("enrolment completed", {f"{_ENROLLED}.status": "COMPLETED"}, "record_closed"),
        ("enrolment cancelled", {f"{_ENROLLED}.status": "CANCELLED"}, "not_kept"),
        ("enrolment unknown", {f"{_ENROLLED}.status": "FROZEN"}, "unmapped_field"),
        ("one of two goes on", {"enrollments": [again, enrollment]}, "taken"),
        ("an enrolment was deleted", {"enrollments": [enrollment, gone]}, "taken"),
        ("event skipped", {f"{event}.status": "SKIPPED"}, "unmapped_field"),
        ("event scheduled", {f"{event}.status": "SCHEDULE", f"{event}.dataValues": []}, "taken"),
        ("event visited", {f"{event}.status": "VISITED"}, "taken"),
        ("event unknown", {f"{event}.status": "LOST"}, "unmapped_field"),
        ("note of the enrolment", {f"{_ENROLLED}.notes": _NOTED}, "taken"),
        ("note of the event", {f"{event}.notes": _NOTED}, "taken"),
        ("two notes", {f"{event}.notes": _NOTED, f"{_ENROLLED}.notes": _NOTED}, "taken"),
        ("another attribute", {"attributes.0.attribute": "phone"}, "unmapped_field"),
        ("two values", {f"{_ENROLLED}.attributes.0.attribute": "first"}, "unreadable_value"),
        ("a place", {"geometry": {"type": "Point", "coordinates": [-71, 10]}}, "unmapped_field"),
        ("a relationship", {"relationships": [{"relationship": "mother"}]}, "unmapped_field"),
        ("an unknown need", {f"{event}.dataValues.0.value": "housing"}, "unknown_code"),
        ("age no number", {f"{_ENROLLED}.attributes.0.value": "thirty"}, "invalid"),
        ("deleted", {"deleted": True}, "refused"),
        ("without an id", {"trackedEntity": None}, "refused"),
        ("attributes no objects", {"attributes": ["Yolimar"]}, "refused"),
        ("ten thousand events", {f"{_ENROLLED}.events": [_EVENT] * 10_000}, "refused"),
    ):
        yield Record(peer, name, _with(base, changes), ends)
    yield Record(peer, "in its list", {"trackedEntities": [base]}, "taken")
    yield Record(peer, "two entities", {"trackedEntities": [base, base]}, "refused")


RECORDS = [
    record
    for each in (_kobotoolbox, _odk_central, _commcare, _primero, _activityinfo, _dhis2)
    for record in each()
]
CODES = {"medical": "HLT", "psychosocial": "GP-PSS"}
_SEX = {"sex": {"f": "female"}}


def _mapping(prefix: str, need: str, **more: Any) -> dict[str, Any]:
    fields = {"first": "given_name", "last": "surname", "age": "age", "sex": "sex"}
    return {
        "fields": {f"{prefix}{path}": part for path, part in fields.items()},
        "values": _SEX,
        "needs": {need: CODES},
        "fixed_area": "VE2313",
        **more,
    }


MAPPINGS: dict[Peer, dict[str, Any]] = {
    Peer.KOBOTOOLBOX: _mapping("person/", "services/type", ignore=["services/since"]),
    Peer.ODK_CENTRAL: _mapping("person/", "services/type", ignore=["services/since"]),
    Peer.COMMCARE: _mapping(
        "person/", "services/type", ignore=["case/create/case_name", "case/update/age"]
    ),
    Peer.PRIMERO: _mapping(
        "",
        "services_section/service_type",
        fields={"name": "name", "age": "age", "sex": "sex", "case_id_display": "own_reference"},
        consents=["consent_for_services"],
        ignore=["services_section/service_implemented"],
    ),
    Peer.ACTIVITYINFO: _mapping("", "type"),
    Peer.DHIS2: _mapping("attributes/", "stage/type"),
}


def identified(record: Record, number: int) -> Body:
    """Return the body with its own id."""
    body, own = deepcopy(record.body), f"record-{number}"
    for holder, name in (
        (body, "_uuid"),
        (body, "__id"),
        (body, "id"),
        (body, "recordId"),
        (body, "@id"),
        (body, "trackedEntity"),
        (body.get("data"), "record_id"),
        (next(iter(body.get("trackedEntities", [])), None), "trackedEntity"),
    ):
        if isinstance(holder, dict) and holder.get(name) in ("0", "uuid:0"):
            holder[name] = own
    return body
