"""Cases: found, registered, looked at."""
