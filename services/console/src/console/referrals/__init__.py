"""Referrals: sending with consent, receiving, and each step."""
