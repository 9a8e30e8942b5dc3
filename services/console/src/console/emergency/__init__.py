"""Reading another organisation's case in an emergency: request, decision, notification."""
