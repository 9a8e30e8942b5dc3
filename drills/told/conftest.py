"""The databases and keys from the referrals tests."""

from tests.services.referrals.conftest import case_keys, key_store, referrals_database, settings

__all__ = ["case_keys", "key_store", "referrals_database", "settings"]
