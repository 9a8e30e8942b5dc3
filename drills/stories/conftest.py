"""The databases and keys from the referrals tests."""

from tests.services.referrals.conftest import key_store, referrals_database, settings

__all__ = ["key_store", "referrals_database", "settings"]
