"""The fixtures from the referrals tests."""

from tests.services.referrals.conftest import *  # noqa: F403
