"""Gaps: needs in places without a service that accepts referrals."""
