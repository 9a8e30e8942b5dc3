"""Gaps: needs and places without a service that accepts referrals."""
