"""Referrals from one organisation to a service of another: lifecycle, disclosure, history."""
