"""The caseload: opened and closed cases, transfers between organisations, reports on the anonymous line."""
