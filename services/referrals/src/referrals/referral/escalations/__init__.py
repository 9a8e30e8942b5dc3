"""Missed deadlines: raises each escalation once, and counts overdue referrals for coordinators."""
