"""Referrals: sending with consent, receiving, and each later step."""
