"""Referrals from one organisation to another's service: lifecycle, disclosure, history."""
