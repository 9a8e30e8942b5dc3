"""Converts each system's format to a common form: paths mapped to values. Pure.

`/` joins groups, and rows of a repeat are numbered: `services[0]/type`. No value is dropped: data around the record is
under `@sent`. docs/partner-guide.md contains a recipe for each system.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from referrals.listening.intake.mapping import CORRECTED, EDITED, bare, pointer_to
from referrals.listening.intake.peer_words import Meaning, Peer, meaning_of

Flat = dict[str, Any]
_DEEPEST = 12
_MOST_VALUES = 5_000
_RESERVED = ("@sent", "@said", "@around")


class NotThisPeer(Exception):
    """The body does not have this system's format. The message contains a JSON pointer and the expected value."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


def read(peer: Peer, sent: Mapping[str, Any], inside: str | None = None) -> Flat:
    """Read a body. `inside` names the member that contains the submission, if the sender's template wraps it."""
    if inside is None:
        return _READERS[peer](sent)
    detail = f"The form's mapping says that the submission lies in '{inside}'."
    return _READERS[peer](_object(sent, inside, detail)) | _around(sent, inside, at="@around")


def _kobotoolbox(sent: Mapping[str, Any]) -> Flat:
    return _flat(sent)


def _odk_central(sent: Mapping[str, Any]) -> Flat:
    """Read a row of the OData table `Submissions`, including repeats if they were expanded."""
    system = sent.get("__system")
    system = system if isinstance(system, dict) else {}
    if system.get("status") is not None:
        detail = "It is encrypted: Central tells its id alone. Send forms that Central can read."
        raise NotThisPeer("/__system/status", detail)
    found = _flat(sent)
    _know(found, "_uuid", sent.get("__id") or found.get("meta/instanceID"))
    _know(found, "_submission_time", system.get("submissionDate"))
    if system.get("edits"):
        _know(found, CORRECTED, EDITED)
    return _named(found, "/__id", "Send rows of the OData table `Submissions`, with `__id`.")


def _commcare(sent: Mapping[str, Any]) -> Flat:
    """Read a JSON body from CommCare's form forwarder."""
    form = _object(sent, "form", "Forward forms as JSON: they have a member 'form'.")
    meta = form.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    found = _flat(form) | _around(sent, "form")
    blocks = form.get("case")
    blocks = blocks if isinstance(blocks, list) else [blocks]
    if any(isinstance(each, dict) and "close" in each for each in blocks):
        found["case/close"] = True  # an empty closing element
    _know(found, "_uuid", sent.get("id") or meta.get("instanceID"))
    _know(found, "start", meta.get("timeStart"))
    _know(found, "end", meta.get("timeEnd"))
    _know(found, "_submission_time", sent.get("received_on"))
    if sent.get("edited_on"):
        _know(found, CORRECTED, EDITED)
    return _named(found, "/id", "A form has an 'id'.")


def _primero(sent: Mapping[str, Any]) -> Flat:
    """Read a Primero v2 webhook body, which contains the fields that its role may see."""
    data = _object(sent, "data", "A webhook of Primero v2 has a member 'data'.")
    if data.get("record_type") not in ("case", "Child", None):
        raise NotThisPeer("/data/record_type", "Only cases are taken: let the webhook send 'case'.")
    found = _flat(data) | _around(sent, "data")
    _know(found, "_uuid", data.get("record_id") or data.get("id"))
    _know(found, "_submission_time", data.get("last_updated_at") or data.get("created_at"))
    return _named(found, "/data/record_id", "A record has a 'record_id'.")


def _activityinfo(sent: Mapping[str, Any]) -> Flat:
    """Read an API record (`recordId`; `fields` by their ids), or a query row (`@id`, in tables `_id`)."""
    fields = sent.get("fields", {k: v for k, v in sent.items() if k[:1] not in "@_"})
    if not isinstance(fields, dict):
        raise NotThisPeer("/fields", "The fields of a record are an object.")
    found = _flat(fields) | _around(sent, *(("fields",) if "fields" in sent else fields))
    _know(found, "_uuid", sent.get("recordId") or sent.get("@id") or sent.get("_id"))
    edited = (sent.get(name) for name in ("lastEditTime", "@lastEditTime", "_lastEditTime"))
    _know(found, "_submission_time", _seconds(next((at for at in edited if at is not None), None)))
    return _named(found, "/recordId", "A record has a 'recordId', a row of a query an '@id'.")


def _dhis2(sent: Mapping[str, Any]) -> Flat:
    """Read one tracked entity with attributes, enrollments and events. This also accepts the names from 2.37 and
    older."""
    many = sent.get("trackedEntities", sent.get("instances", sent.get("trackedEntityInstances")))
    if isinstance(many, list):
        if len(many) != 1 or not isinstance(many[0], dict):
            raise NotThisPeer("/trackedEntities", "Send one tracked entity in each call.")
        sent = {**{k: v for k, v in sent.items() if v is not many}, **many[0]}
    if sent.get("deleted"):
        raise NotThisPeer("/deleted", "It was deleted in DHIS2: nothing is made of it.")
    enrollments = _kept(sent, "enrollments")
    found = _flat({"orgUnit": sent.get("orgUnit")})
    # Programme attributes are in the enrolment, other attributes in the entity; some are in both.
    around = {**sent, "attributes": _values(found, "attributes", "attribute", sent, "attributes")}
    around["enrollments"] = []
    held: Counter[str] = Counter()
    for number, enrollment in enumerate(enrollments):
        _add(found, f"program[{number}]", enrollment.get("program"))
        rest = _values(found, "attributes", "attribute", enrollment, "attributes")
        events = []
        for event in _kept(enrollment, "events"):
            stage = str(event.get("programStage"))
            place = f"{stage}[{held[stage]}]"
            held[stage] += 1
            if _not_held(event):
                place = f"not_held/{place}"
            values = _values(found, place, "dataElement", event, "dataValues")
            events.append({**event, "dataValues": values})
        kept = {k: v for k, v in enrollment.items() if k != "program"}
        around["enrollments"].append({**kept, "attributes": rest, "events": events})
    found |= _around(around, "orgUnit")
    _know(found, "_uuid", sent.get("trackedEntity") or sent.get("trackedEntityInstance"))
    _know(found, "_submission_time", sent.get("updatedAt") or sent.get("lastUpdated"))
    return _named(found, "/trackedEntity", "A tracked entity has its UID in 'trackedEntity'.")


def _not_held(event: Mapping[str, Any]) -> bool:
    """Return whether the event did not take place; a person then checks its values."""
    status = str(event.get("status"))
    return meaning_of(Peer.DHIS2, "@sent/enrollments/events/status", status) is Meaning.NOT_HELD


_READERS: Mapping[Peer, Callable[[Mapping[str, Any]], Flat]] = {
    Peer.KOBOTOOLBOX: _kobotoolbox,
    Peer.ODK_CENTRAL: _odk_central,
    Peer.COMMCARE: _commcare,
    Peer.PRIMERO: _primero,
    Peer.ACTIVITYINFO: _activityinfo,
    Peer.DHIS2: _dhis2,
}


def _flat(sent: Mapping[str, Any], path: str = "") -> Flat:
    result: Flat = {}
    for place, value in _leaves(sent, path, 0):
        if not path and place.startswith(_RESERVED):
            raise NotThisPeer(
                pointer_to(place), "Ruta keeps this name for itself: rename the field."
            )
        _add(result, place, value)
    return result


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        raise NotThisPeer("", f"It is nested deeper than {_DEEPEST} groups.")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            # KoboToolbox repeats the whole path in each row.
            own = str(name).removeprefix(f"{bare(path)}/")
            yield from _leaves(inner, f"{path}/{own}" if path else own, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]", depth + 1)
    else:
        yield path, value


def _add(found: Flat, path: str, value: Any) -> None:
    if value in (None, ""):
        return
    if path in found and found[path] != value:
        raise NotThisPeer(pointer_to(path), "Two values stand at one path.")
    found[path] = value
    if len(found) > _MOST_VALUES:
        raise NotThisPeer("", f"A record has at most {_MOST_VALUES} values: send fewer rows.")


def _around(sent: Mapping[str, Any], *but: str, at: str = "@sent") -> Flat:
    """Return the members around the record, without the record's own fields."""
    return _flat({k: v for k, v in sent.items() if k not in but}, at)


def _know(found: Flat, name: str, value: Any) -> None:
    """Store a value that every record has. If the record has a field with the same name, move that field under
    `@said`."""
    for path in [path for path in found if bare(path) == name]:
        found[f"@said/{path}"] = found.pop(path)
    _add(found, name, value)


def _values(
    found: Flat, group: str, named: str, holder: Mapping[str, Any], listed: str
) -> list[dict[str, Any]]:
    """Add values by the UIDs of their fields; return the remaining members."""
    rest = []
    for each in _objects(holder, listed):
        first, value = f"{group}/{each.get(named)}", each.get("value")
        if found.get(first) != value:
            free = (path for n in count() if (path := f"{first}[{n}]" if n else first) not in found)
            for place, inner in _leaves(value, next(free), 0):
                _add(found, place, inner)
        rest.append({k: v for k, v in each.items() if k != "value"})
    return rest


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
    """Drop deleted parts, which DHIS2 can include on request."""
    return [each for each in _objects(sent, name) if not each.get("deleted")]


def _named(found: Flat, pointer: str, detail: str) -> Flat:
    if not isinstance(found.get("_uuid"), str):
        raise NotThisPeer(pointer, detail)
    return found


def _seconds(value: Any) -> str | None:
    """Convert ActivityInfo's timestamps, which are seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else None
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return None
