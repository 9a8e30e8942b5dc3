"""Supervisors' pages: queues and their staff, certificates, case retention."""
