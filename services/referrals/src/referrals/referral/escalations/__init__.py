"""Deadlines that pass: each escalation is raised once, and coordinators count what is overdue."""
