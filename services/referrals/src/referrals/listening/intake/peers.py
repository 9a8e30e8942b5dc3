"""Translates what other systems send into KoboToolbox's form. Pure.

That form is a flat object of paths to values; the tool's own keys begin with `_` or `meta/`, or are `start` and
`end`. docs/partner-guide.md has a recipe for each system.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from referrals.listening.intake.mapping import CORRECTED, EDITED

Flat = dict[str, Any]
_DEEPEST = 12


class Peer(StrEnum):
    KOBOTOOLBOX = "kobotoolbox"
    ODK_CENTRAL = "odk_central"
    COMMCARE = "commcare"
    PRIMERO = "primero"
    ACTIVITYINFO = "activityinfo"
    DHIS2 = "dhis2"


CHANGING = frozenset({Peer.PRIMERO, Peer.ACTIVITYINFO, Peer.DHIS2})
"""They send a record again whenever it changes; the others send each submission once."""


class NotThisPeer(Exception):
    """The body has not the shape of this system: a JSON pointer, and the expected value there."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


def read(peer: Peer, sent: Mapping[str, Any], inside: str | None = None) -> Flat:
    """`inside`: the member that holds the submission, where the sender's template wraps it."""
    if inside is not None:
        sent = _object(
            sent, inside, f"The form's mapping says that the submission lies in '{inside}'."
        )
    return _READERS[peer](sent)


def _kobotoolbox(sent: Mapping[str, Any]) -> Flat:
    return dict(sent)


def _odk_central(sent: Mapping[str, Any]) -> Flat:
    """A row of the OData table `Submissions`; repeats are in it where they were expanded."""
    system = sent.get("__system")
    system = system if isinstance(system, dict) else {}
    if system.get("status") is not None:
        detail = "It is encrypted: Central tells its id alone. Send forms that Central can read."
        raise NotThisPeer("/__system/status", detail)
    found = _flat(sent, leave_out=_of_odata)
    found["_uuid"] = sent.get("__id") or found.get("meta/instanceID")
    found["_submission_time"] = system.get("submissionDate")
    if system.get("edits"):
        found[CORRECTED] = EDITED
    return _named(found, "/__id", "Send rows of the OData table `Submissions`, with `__id`.")


def _commcare(sent: Mapping[str, Any]) -> Flat:
    """A body of CommCare's forwarder of forms as JSON."""
    form = _object(sent, "form", "Forward forms as JSON: they have a member 'form'.")
    meta = form.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    found = _flat({k: v for k, v in form.items() if k != "meta"}, leave_out=_of_commcare)
    found["_uuid"] = sent.get("id") or meta.get("instanceID")
    found["start"], found["end"] = meta.get("timeStart"), meta.get("timeEnd")
    found["_submission_time"] = sent.get("received_on")
    if sent.get("edited_on"):
        found[CORRECTED] = EDITED
    return _named(found, "/id", "A form has an 'id'.")


def _primero(sent: Mapping[str, Any]) -> Flat:
    """A body of a Primero v2 webhook: the fields that its role may see."""
    data = _object(sent, "data", "A webhook of Primero v2 has a member 'data'.")
    if data.get("record_type") not in ("case", "Child", None):
        raise NotThisPeer("/data/record_type", "Only cases are taken: let the webhook send 'case'.")
    own = ("record_id", "record_type", "hostname", "id")
    found = _flat({k: v for k, v in data.items() if k not in own})
    found["_uuid"] = data.get("record_id") or data.get("id")
    found["_submission_time"] = data.get("last_updated_at") or data.get("created_at")
    return _named(found, "/data/record_id", "A record has a 'record_id'.")


def _activityinfo(sent: Mapping[str, Any]) -> Flat:
    """A record of the API (`recordId`; `fields` by their ids), or a row of a query (`@id`, in tables `_id`)."""
    fields = sent.get("fields", {k: v for k, v in sent.items() if k[:1] not in "@_"})
    if not isinstance(fields, dict):
        raise NotThisPeer("/fields", "The fields of a record are an object.")
    found = _flat(fields)
    found["_uuid"] = sent.get("recordId") or sent.get("@id") or sent.get("_id")
    edited = (sent.get(name) for name in ("lastEditTime", "@lastEditTime", "_lastEditTime"))
    found["_submission_time"] = _seconds(next((at for at in edited if at is not None), None))
    return _named(found, "/recordId", "A record has a 'recordId', a row of a query an '@id'.")


def _dhis2(sent: Mapping[str, Any]) -> Flat:
    """One tracked entity with attributes, enrollments and events; names of 2.37 and older, too."""
    many = sent.get("trackedEntities", sent.get("instances", sent.get("trackedEntityInstances")))
    if isinstance(many, list):
        if len(many) != 1 or not isinstance(many[0], dict):
            raise NotThisPeer("/trackedEntities", "Send one tracked entity in each call.")
        sent = many[0]
    if sent.get("deleted"):
        raise NotThisPeer("/deleted", "It was deleted in DHIS2: nothing is made of it.")
    found: Flat = {"orgUnit": sent.get("orgUnit")}
    enrollments = _kept(sent, "enrollments")
    # Attributes of a programme stand in its enrolment, the others at the entity; some at both.
    for holder in (sent, *enrollments):
        for each in _objects(holder, "attributes"):
            found[f"attributes/{each.get('attribute')}"] = each.get("value")
    for enrollment in enrollments:
        found["program"] = enrollment.get("program")
        for event in _kept(enrollment, "events"):
            for each in _objects(event, "dataValues"):
                path = f"{event.get('programStage')}/{each.get('dataElement')}"
                _put(found, path, each.get("value"))
    found["_uuid"] = sent.get("trackedEntity") or sent.get("trackedEntityInstance")
    found["_submission_time"] = sent.get("updatedAt") or sent.get("lastUpdated")
    return _named(found, "/trackedEntity", "A tracked entity has its UID in 'trackedEntity'.")


_READERS: Mapping[Peer, Callable[[Mapping[str, Any]], Flat]] = {
    Peer.KOBOTOOLBOX: _kobotoolbox,
    Peer.ODK_CENTRAL: _odk_central,
    Peer.COMMCARE: _commcare,
    Peer.PRIMERO: _primero,
    Peer.ACTIVITYINFO: _activityinfo,
    Peer.DHIS2: _dhis2,
}


def _flat(
    found: Mapping[str, Any], *, leave_out: Callable[[str, Any], bool] = lambda *_: False
) -> Flat:
    """Groups become paths; of repeated groups and lists every value stands at the path."""
    result: Flat = {}
    for path, value in _leaves(found, "", leave_out, 0):
        _put(result, path, value)
    return result


def _leaves(
    value: Any, path: str, leave_out: Callable[[str, Any], bool], depth: int
) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        raise NotThisPeer("", f"It is nested deeper than {_DEEPEST} groups.")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not leave_out(name, inner):
                yield from _leaves(inner, f"{path}/{name}" if path else name, leave_out, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path, leave_out, depth + 1)
    else:
        yield path, value


def _of_odata(name: str, _: Any) -> bool:
    """Ids, links and what Central knows of a submission, in every group: no answer."""
    return name.startswith("__") or "@odata." in name


def _of_commcare(name: str, value: Any) -> bool:
    """Attributes, and what CommCare is to do with its own cases, of the form, its children and its user."""
    return name[:1] in {"@", "#"} or (isinstance(value, Mapping) and "@case_id" in value)


def _put(found: Flat, path: str, value: Any) -> None:
    if value in (None, ""):
        return
    if path not in found:
        found[path] = value
        return
    earlier = found[path]
    found[path] = [*(earlier if isinstance(earlier, list) else [earlier]), value]


def _object(sent: Mapping[str, Any], name: str, detail: str) -> Mapping[str, Any]:
    value = sent.get(name)
    if not isinstance(value, dict):
        raise NotThisPeer("/" + name.replace("~", "~0").replace("/", "~1"), detail)
    return value


def _objects(sent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = sent.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise NotThisPeer(f"/{name}", "This is a list of objects.")
    return value


def _kept(sent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Without deleted parts, which DHIS2 includes if asked."""
    return [each for each in _objects(sent, name) if not each.get("deleted")]


def _named(found: Flat, pointer: str, detail: str) -> Flat:
    if not isinstance(found.get("_uuid"), str):
        raise NotThisPeer(pointer, detail)
    return found


def _seconds(value: Any) -> str | None:
    """ActivityInfo counts seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else None
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return None
