"""Event schemas, stored in tests/common/schemas, may only gain optional fields.

`RUTA_STORE_SCHEMAS=1 ./ruta test tests/common/test_events.py` stores the schema of a new event.
"""

import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from common.events.base import Event
from common.events.catalogue import ALL, asyncapi, examples, public, schema_of
from common.events.directory import GapObserved
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent / "schemas"
IDS = sorted(ALL)


def _stored(subject: str) -> dict[str, Any]:
    path = SCHEMAS / f"{subject}.json"
    if os.environ.get("RUTA_STORE_SCHEMAS") and not path.exists():
        SCHEMAS.mkdir(exist_ok=True)
        path.write_text(json.dumps(schema_of(ALL[subject]), indent=1, sort_keys=True) + "\n")
    assert path.exists(), f"no stored schema: run with RUTA_STORE_SCHEMAS=1 and commit {path.name}"
    stored: dict[str, Any] = json.loads(path.read_text())
    return stored


@pytest.mark.parametrize("subject", IDS)
def test_an_event_keeps_every_field_it_ever_had(subject: str) -> None:
    now = schema_of(ALL[subject])
    for name, old in _stored(subject)["properties"].items():
        assert now["properties"].get(name) == old, f"{subject}: {name} changed: make a new version"


@pytest.mark.parametrize("subject", IDS)
def test_an_event_requires_no_field_that_old_writers_did_not_send(subject: str) -> None:
    assert set(schema_of(ALL[subject])["required"]) <= set(_stored(subject)["required"])


def test_no_stored_schema_has_lost_its_event() -> None:
    assert {p.stem for p in SCHEMAS.glob("*.json")} == set(IDS)


@pytest.mark.parametrize("subject", IDS)
def test_subjects_end_in_their_version_and_name_their_producer(subject: str) -> None:
    assert subject.startswith("ruta.")
    assert subject.endswith(".v1")
    assert ALL[subject].producer() in {"directory", "referrals", "reporting"}


def test_an_event_tells_what_it_is_about() -> None:
    """An event names its aggregate, which keeps events about one thing in order."""
    about = {event: ALL[event].model_validate(data).about() for event, data in examples().items()}
    kinds = {kind for kind, _ in about.values()}
    assert {"case", "referral", "grant", "service", "gap", "release"} <= kinds
    sent = "ruta.referrals.referral.sent.v1"
    assert about[sent] == ("referral", UUID(examples()[sent]["referral_id"]))
    again = GapObserved.model_validate(examples()["ruta.directory.gap.observed.v1"])
    more = again.model_copy(update={"count": again.count + 1})
    assert more.about() == again.about(), "a day's total so far"


def test_readers_ignore_fields_that_they_do_not_know() -> None:
    class Grown(Event):
        SUBJECT = ""
        colour: str = "red"

    assert Grown.model_validate({"version": 1, "future": True}).version == 1


def test_the_asyncapi_document_holds_every_event() -> None:
    document = asyncapi()
    assert document["asyncapi"].startswith("3.")
    assert {c["address"] for c in document["channels"].values()} == set(IDS)
    assert "$ref" not in json.dumps(document["components"])


@pytest.mark.parametrize("subject", IDS)
def test_every_message_shows_an_example_that_fits(subject: str) -> None:
    message = asyncapi()["components"]["messages"][ALL[subject].__name__]
    (example,) = message["examples"]
    Draft202012Validator(message["payload"]).validate(example["payload"])
    ALL[subject].model_validate(example["payload"]["data"])


def test_whoever_reads_from_outside_is_shown_where_and_what() -> None:
    document = asyncapi()
    outside = {
        channel["address"]
        for channel in document["channels"].values()
        if {"$ref": "#/servers/outside"} in channel["servers"]
    }
    assert outside == set(public())
    schemes = set(document["components"]["securitySchemes"])
    for server in document["servers"].values():
        assert {each["$ref"].rpartition("/")[2] for each in server["security"]} <= schemes
    for subject in public():
        assert not ALL[subject].PERSONAL
