"""Referrals: sent with consent, received, taken step by step."""
