"""Operational indicators: exact process numbers for those who run the referrals, never published."""
