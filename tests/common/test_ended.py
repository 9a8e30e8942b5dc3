"""Ruta checks rights again when work that was requested earlier runs. These tests cover the rule without I/O."""

import pytest
from common.auth.ended import BELIEVED_SECONDS, EndedRight, Named, Why, asked_at, why_ended
from common.auth.ended import claims_to_act as claims_of

from tests.support.principals import principal

ASKED = 1_000_000.0


def right(named: Named, *, off: bool = False, until: float | None = None) -> EndedRight:
    return EndedRight(named, off, until)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], None),
        ([right(Named.ORGANISATION, off=True)], Why.ORGANISATION_SUSPENDED),
        ([right(Named.SUBJECT, off=True)], Why.ACCOUNT_SUSPENDED),
        ([right(Named.CLIENT, off=True)], Why.ACCOUNT_SUSPENDED),
        (
            [right(Named.CLIENT, off=True), right(Named.ORGANISATION, off=True)],
            Why.ORGANISATION_SUSPENDED,
        ),
        ([right(Named.SUBJECT, until=ASKED + 1)], Why.RIGHTS_CHANGED),
        # The request may have arrived while the front still accepted the token.
        ([right(Named.SUBJECT, until=ASKED - BELIEVED_SECONDS + 1)], Why.RIGHTS_CHANGED),
        ([right(Named.SUBJECT, until=ASKED - BELIEVED_SECONDS)], None),
    ],
)
def test_what_was_asked_for_is_not_done_once_the_rights_have_ended(
    found: list[EndedRight], why: Why | None
) -> None:
    assert why_ended(found, ASKED) is why


def test_what_does_not_say_when_it_was_asked_for_is_judged_by_suspension_alone() -> None:
    before = {"sub": "somebody", "client_id": "ruta-console"}
    changed = [right(Named.SUBJECT, until=2e9)]
    assert why_ended(changed, asked_at(before)) is None
    assert why_ended(changed, asked_at(claims_of(principal("im-officer"), ASKED))) is not None
