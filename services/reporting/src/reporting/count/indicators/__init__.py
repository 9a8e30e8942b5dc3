"""Operational indicators: exact process numbers for people who manage referrals, never published."""
