"""Missed deadlines: raise each escalation once, and count overdue referrals for coordinators."""
