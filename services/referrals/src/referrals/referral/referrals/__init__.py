"""Referrals from one organisation to another organisation's service: lifecycle, disclosure, history."""
