"""The caseload: opened and closed cases, transfers between organisations, reports of the line."""
