"""The desk of the anonymous line, and reports that were handed to an organisation."""
