"""The caseload: cases opened and closed, transfers between organisations, reports of the line."""
