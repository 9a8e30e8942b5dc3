"""The last safeguard for logs. A careless log call writes a placeholder instead of a person's data."""

from common.process.logs import REDACTED, redact, short_traceback


def test_an_error_is_logged_by_its_kind_and_place_and_never_by_its_message() -> None:
    try:
        raise ValueError("Key (name)=(Yolimar) already exists")
    except ValueError as error:
        logged = short_traceback(None, "error", {"event": "failed", "exc_info": error})
    assert logged["error"] == "ValueError"
    assert "Yolimar" not in str(logged)


def test_a_field_that_may_hold_a_person_is_redacted() -> None:
    names = ("name", "contact_phone", "safe_address", "payload", "receipt", "access_token", "note")
    logged = redact(
        None, "info", {"event": "sent", "referral_id": "7", **dict.fromkeys(names, "Y")}
    )
    assert all(logged[each] == REDACTED for each in names)
    assert (logged["event"], logged["referral_id"]) == ("sent", "7")
