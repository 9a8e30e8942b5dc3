"""Gaps: where a need has no service that a caseworker could refer to."""
