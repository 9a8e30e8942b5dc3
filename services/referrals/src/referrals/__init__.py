"""Referral tracking: cases, consent, referrals, transfers, screening, the anonymous line."""
