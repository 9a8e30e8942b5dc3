"""Events between services: one class per subject, one file per producing service. Event data contain only ids and
codes. This package imports no web framework, database or broker."""
