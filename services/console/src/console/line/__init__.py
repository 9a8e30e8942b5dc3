"""The desk of the anonymous line, and reports handed over to an organisation."""
