"""Services as their editors and readers meet them: entered, judged, changed, looked up."""
