"""Events between services: one class per subject, one file per producing service.

Event data hold ids and codes only. This package imports no web framework, database or broker.
"""
