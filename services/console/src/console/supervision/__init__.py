"""Supervisors' pages: queues and their people, certificates, retention of cases."""
