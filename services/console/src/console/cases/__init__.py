"""Cases: search, registration, view."""
