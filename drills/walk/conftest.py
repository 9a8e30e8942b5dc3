"""The fixtures of the tests of referrals."""

from tests.services.referrals.conftest import *  # noqa: F403
