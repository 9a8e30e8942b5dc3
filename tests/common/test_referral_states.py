"""The category of each referral state, in one table for referrals and for consumers of its events."""

import pytest
from common.words import referral_states as states
from common.words.referral_states import ReferralState, progress

S = ReferralState


@pytest.mark.parametrize(
    ("group", "members"),
    [
        (
            states.OPEN,
            "draft sent acknowledged info_requested waitlisted accepted scheduled in_service on_hold",
        ),
        (
            states.TERMINAL,
            "declined completed not_delivered recalled withdrawn expired entered_in_error",
        ),
        (states.ACCEPTED, "accepted scheduled in_service on_hold completed"),
        (states.DELIVERED, "completed"),
        (states.UNMET, "declined not_delivered expired"),
        (
            states.ANSWERED - states.ACCEPTED,
            "acknowledged info_requested waitlisted declined not_delivered",
        ),
    ],
)
def test_groups(group: frozenset[ReferralState], members: str) -> None:
    assert group == set(members.split())


def test_nobody_counts_a_draft_or_an_error() -> None:
    assert {state for state in S if progress(state) is None} == {S.DRAFT, S.ENTERED_IN_ERROR}
