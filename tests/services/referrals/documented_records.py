"""Ten records from each system in the shape of its public examples, with invented content.

Their author did not write the bridges.
"""

from collections.abc import Iterator
from typing import Any

from referrals.listening.intake.peer_words import Peer

from tests.services.referrals.peer_records import Body, Record

Rows = tuple[tuple[str, Body, str], ...]
ASKED: Body = {"first": "Milagros", "last": "Inventada", "age": "41", "sex": "f"}


def _kobotoolbox(**more: Any) -> Body:
    return {
        "meta/instanceID": "uuid:0",
        **{f"person/{name}": value for name, value in ASKED.items()},
        "formhub/uuid": "6f5773a110b046cb97e3d71f6c04e7a6",
        "_xform_id_string": "groups",
        "_uuid": "0",
        "_userform_id": "ngo_groups",
        "_tags": [],
        "_submitted_by": None,
        "_submission_time": "2026-04-22T06:38:20",
        "_status": "submitted_via_web",
        "_notes": [],
        "_id": 889409,
        "_geolocation": [None, None],
        "_bamboo_dataset_id": "",
        "_attachments": [],
        **more,
    }


_PHOTO = {
    "download_url": "https://kf.example.org/1.jpg",
    "download_large_url": "https://kf.example.org/1.jpg",
    "mimetype": "image/jpeg",
    "filename": "ngo/attachments/1.jpg",
    "instance": 124961136,
    "xform": 815328,
    "id": 46493730,
}
_APPROVED = {
    "timestamp": 1_764_000_000,
    "uid": "validation_status_approved",
    "by_whom": "ngo",
    "color": "#090",
    "label": "Approved",
}
_SPOKEN = {"person/voice": {"transcript": {"languageCode": "es", "value": "No me llamen"}}}
KOBOTOOLBOX: Rows = (
    ("an older post", {}, "taken"),
    ("a photo in its list", {"_attachments": [_PHOTO]}, "taken"),
    ("the name of the photo", {"person/photo": "1.jpg"}, "unmapped_field"),
    ("approved with a label", {"_validation_status": _APPROVED}, "taken"),
    ("a transcript", {"_supplementalDetails": _SPOKEN}, "unmapped_field"),
    ("two choices", {"services": [{"services/type": "medical psychosocial"}]}, "taken"),
    ("a point", {"person/place": "10.64 -71.6 0 4.9"}, "unmapped_field"),
    ("an accent", {"person/observación": "Tiene miedo"}, "unmapped_field"),
    ("a username", {"username": "ngo_field"}, "unmapped_field"),
    ("a moment at a question", {"start_time": "2026-08-25T14:19:47+01:00"}, "unmapped_field"),
)


def _odk_central(**more: Any) -> Body:
    system = {
        "submissionDate": "2026-02-06T09:00:00.000Z",
        "submitterId": "8",
        "submitterName": "tablet-8",
        "attachmentsPresent": 1,
        "attachmentsExpected": 2,
        "reviewState": more.pop("review", None),
        "edits": 1,
        **more.pop("system", {}),
    }
    return {
        "__id": "uuid:0",
        "__system": system,
        "person": {**ASKED, **more.pop("person", {})},
        **more,
    }


_LINE = {"type": "LineString", "coordinates": [[-71.6, 10.6, 0], [-71.7, 10.7, 0]]}
ODK_CENTRAL: Rows = (
    ("of an older Central", {}, "taken"),
    ("edited", {"review": "edited"}, "taken"),
    ("a review of tomorrow", {"review": "escalated"}, "unmapped_field"),
    ("a line", {"person": {"way": _LINE}}, "unmapped_field"),
    ("two choices", {"services": [{"type": "medical psychosocial"}]}, "taken"),
    ("an audit file", {"meta": {"instanceID": "uuid:0", "audit": "audit.csv"}}, "taken"),
    ("a telephone of the device", {"phonenumber": "+58 000"}, "unmapped_field"),
    ("a note of the form", {"generated_note_1": None}, "taken"),
    ("a group in a row", {"services": [{"who": {"name": "Eva"}}]}, "unmapped_field"),
    ("a comment beside the review", {"system": {"comment": "Call only me"}}, "unmapped_field"),
)


def _commcare(**more: Any) -> Body:
    told = {
        "appVersion": 'CommCare Android, version "2.51.2"(463994). App v2798.',
        "app_build_version": 2798,
        "commcare_version": "2.51.2",
        "deviceID": "commcare_a39f55a5",
        "drift": "0",
        "geo_point": None,
        "instanceID": "0",
        "timeEnd": "2026-05-24T14:20:28.693000Z",
        "timeStart": "2026-05-24T14:18:46.856000Z",
        "userID": "332e893dcd1b413686621bd80aae0cd3",
        "username": "some-chw",
    }
    case = {
        "@case_id": "c1",
        "@date_modified": "2026-05-24T14:20:28.693000Z",
        "@user_id": "332e893dcd1b413686621bd80aae0cd3",
        "@xmlns": "http://commcarehq.org/case/transaction/v2",
        **more.pop("case", {}),
    }
    form = {
        "#type": "data",
        "@name": "Registration",
        "@uiVersion": "1",
        "@version": "2783",
        "@xmlns": "http://openrosa.org/formdesigner/E2B7",
        "case": case,
        "meta": {"@xmlns": "http://openrosa.org/jr/xforms", **told, **more.pop("meta", {})},
        "person": ASKED,
        **more.pop("form", {}),
    }
    return {
        "app_id": "a1",
        "archived": False,
        "attachments": {},
        "build_id": "b1",
        "domain": "ngo",
        "edited_by_user_id": None,
        "edited_on": None,
        "form": form,
        "id": "0",
        "indexed_on": "2026-05-24T14:20:39.045971",
        "initial_processing_complete": True,
        "is_phone_submission": True,
        "metadata": {**told, "location": None, **more.pop("metadata", {})},
        "problem": None,
        "received_on": "2026-05-24T14:20:37.976363Z",
        "resource_uri": "",
        "server_modified_on": "2026-05-24T14:20:38.111789Z",
        "type": "data",
        "uiversion": "1",
        "version": "2783",
        **more,
    }


_CHILD = {"case": {"@case_id": "c2", "create": {"case_name": "Luz", "case_type": "child"}}}
COMMCARE: Rows = (
    ("as forwarded", {}, "taken"),
    ("edited", {"edited_on": "2026-05-25T00:00:00Z", "edited_by_user_id": "u"}, "taken"),
    ("sent by an old telephone", {"is_phone_submission": "2.0"}, "taken"),
    ("a place of the user", {"meta": {"location": {"@xmlns": "http://x"}}}, "taken"),
    ("a problem", {"problem": "Could not be processed"}, "unmapped_field"),
    ("a property of the case", {"case": {"update": {"danger": "yes"}}}, "unmapped_field"),
    ("a name in a subcase", {"form": {"subcase_0": _CHILD}}, "unmapped_field"),
    ("two choices", {"form": {"services": {"type": "medical psychosocial"}}}, "taken"),
    ("a guardian", {"form": {"guardian": {"name": "Eva", "tel": "000"}}}, "unmapped_field"),
    ("a field of an older version", {"metadata": {"doc_type": "Metadata"}}, "unmapped_field"),
)


def _primero(**more: Any) -> Body:
    return {
        "data": {
            "record_id": "0",
            "record_type": "case",
            "hostname": "primero.example.org",
            "age": 16,
            "sex": "f",
            "name": "Milagros Inventada",
            "owned_by": "primero",
            "created_at": "2026-05-10T05:34:59.514Z",
            "case_id_display": "a15a1a9",
            **more,
        }
    }


_TIE = {"unique_id": "f1", "relation": "mother", "relation_name": "Eva"}
PRIMERO: Rows = (
    ("few fields", {}, "taken"),
    ("the day of registration", {"registration_date": "2026-05-10"}, "unmapped_field"),
    ("a family", {"family_details_section": [_TIE]}, "unmapped_field"),
    ("no family", {"family_details_section": []}, "taken"),
    ("flags and alerts", {"flagged": True, "current_alert_types": ["transfer_request"]}, "taken"),
    (
        "a day of a service",
        {"services_section": [{"service_response_day_time": "x"}]},
        "unmapped_field",
    ),
    ("a note with a subject", {"notes_section": [{"note_subject": "Do not call"}]}, "taken"),
    ("protection concerns", {"protection_concerns": ["sexually_exploited"]}, "unmapped_field"),
    ("a risk", {"risk_level": "high"}, "unmapped_field"),
    ("disabled and closed", {"record_state": False, "status": "closed"}, "not_kept"),
)


def _activityinfo(**more: Any) -> Body:
    fields = {**ASKED, "type": "medical", **more.pop("fields", {})}
    return {
        "recordId": "0",
        "formId": "ck1",
        "lastEditTime": 1_764_000_000,
        "fields": fields,
        **more,
    }


_POINT = {"latitude": 10.6, "longitude": -71.6, "accuracy": 5}
ACTIVITYINFO: Rows = (
    ("as the API lists it", {}, "taken"),
    ("two choices", {"fields": {"type": ["medical", "psychosocial"]}}, "taken"),
    ("no choice", {"fields": {"type": None}}, "taken"),
    ("below another record", {"parentRecordId": "p1"}, "taken"),
    ("a point", {"fields": {"gps": _POINT}}, "unmapped_field"),
    ("a reference", {"fields": {"partner": "cq9xyz:ck2"}}, "unmapped_field"),
    ("an attachment", {"fields": {"scan": [{"filename": "id.pdf"}]}}, "unmapped_field"),
    ("zero", {"fields": {"children": 0}}, "unmapped_field"),
    ("another choice", {"fields": {"type": "cash"}}, "unknown_code"),
    ("a comment beside the fields", {"comment": "Call only me"}, "unmapped_field"),
)


def _dhis2(**more: Any) -> Body:
    values = [{"attribute": name, "value": value} for name, value in ASKED.items()]
    event = {
        "event": "GKFEH3Up5JU",
        "storedBy": "chw",
        "dueDate": "2026-07-31T00:35:53.964",
        "program": "gZrezya1BvN",
        "programStage": "stage",
        "orgUnit": "IU2HDuYpTnY",
        "orgUnitName": "Maracaibo",
        "trackedEntityInstance": "0",
        "enrollment": "Hgiqz6FBr5s",
        "enrollmentStatus": "ACTIVE",
        "status": "ACTIVE",
        "eventDate": "2026-07-31T00:00:00.000",
        "attributeCategoryOptions": "xYerKDKCefk",
        "attributeOptionCombo": "HllvX50cXC0",
        "lastUpdated": "2026-07-31T00:36:09.867",
        "created": "2026-07-31T00:35:53.964",
        "deleted": False,
        "dataValues": [{"dataElement": "type", "value": "medical", "created": "2026-07-31"}],
        **more.pop("event", {}),
    }
    enrollment = {
        "enrollment": "Hgiqz6FBr5s",
        "trackedEntityInstance": "0",
        "trackedEntityType": "bHRcIH36xIk",
        "orgUnit": "IU2HDuYpTnY",
        "orgUnitName": "Maracaibo",
        "enrollmentDate": "2026-07-31T00:35:53.896",
        "incidentDate": "2026-07-31T00:00:00.000",
        "deleted": False,
        "status": "ACTIVE",
        "notes": [],
        "relationships": [],
        "attributes": [],
        "events": [event],
        **more.pop("enrollment", {}),
    }
    return {
        "trackedEntity": "0",
        "trackedEntityType": "bHRcIH36xIk",
        "orgUnit": "IU2HDuYpTnY",
        "inactive": False,
        "deleted": False,
        "attributes": values + more.pop("attributes", []),
        "enrollments": [enrollment],
        "relationships": [],
        "programOwners": [],
        **more,
    }


_VALUE = {"dataElement": "telephone", "value": "0414"}
DHIS2: Rows = (
    ("in the old tracker", {}, "taken"),
    ("an event that waits", {"event": {"status": "OVERDUE", "dataValues": []}}, "taken"),
    ("a value of a skipped event", {"event": {"status": "SKIPPED"}}, "unmapped_field"),
    ("a note of the event", {"event": {"notes": [{"value": "Do not call"}]}}, "taken"),
    ("another value", {"event": {"dataValues": [_VALUE]}}, "unmapped_field"),
    ("a place of the event", {"event": {"geometry": {"type": "Point"}}}, "unmapped_field"),
    ("a coordinate", {"event": {"coordinate": {"latitude": 10.6}}}, "unmapped_field"),
    ("another attribute", {"attributes": [{"attribute": "id", "value": "V-1"}]}, "unmapped_field"),
    ("enrolment cancelled", {"enrollment": {"status": "CANCELLED"}}, "not_kept"),
    ("enrolment completed", {"enrollment": {"status": "COMPLETED"}}, "record_closed"),
)


def _records() -> Iterator[Record]:
    for peer, made, rows in (
        (Peer.KOBOTOOLBOX, _kobotoolbox, KOBOTOOLBOX),
        (Peer.ODK_CENTRAL, _odk_central, ODK_CENTRAL),
        (Peer.COMMCARE, _commcare, COMMCARE),
        (Peer.PRIMERO, _primero, PRIMERO),
        (Peer.ACTIVITYINFO, _activityinfo, ACTIVITYINFO),
        (Peer.DHIS2, _dhis2, DHIS2),
    ):
        yield from (Record(peer, name, made(**more), ends) for name, more, ends in rows)


DOCUMENTED = list(_records())
