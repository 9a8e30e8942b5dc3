"""Rules for when a sign-in is recent enough for dangerous actions."""

import pytest
from common.auth import Principal
from common.auth.freshness import is_fresh

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("ago", "fresh"),
    [(0, True), (300, True), (301, False), (-60, True), (-86400, False), (None, False)],
)
def test_a_person_is_fresh_for_so_long_and_never_from_tomorrow(
    ago: float | None, fresh: bool
) -> None:
    at = None if ago is None else NOW - ago
    person = Principal(client_id="ruta-console", subject="somebody", signed_in_at=at)
    assert is_fresh(person, NOW, 300) is fresh


def test_a_client_that_acts_by_itself_leaves_no_session_open() -> None:
    assert is_fresh(Principal(client_id="ngo-salud", subject="ngo-salud"), NOW, 300)


@pytest.mark.parametrize("value", [True, "1800000000", [1]])
def test_a_moment_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="auth_time"):
        Principal.from_claims({"sub": "somebody", "client_id": "c", "auth_time": value})
