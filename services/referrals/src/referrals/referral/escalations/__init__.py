"""Missed deadlines: each escalation is raised once, and coordinators count overdue referrals."""
