"""The databases and keys of the tests of referrals."""

from tests.services.referrals.conftest import key_store, referrals_database, settings

__all__ = ["key_store", "referrals_database", "settings"]
