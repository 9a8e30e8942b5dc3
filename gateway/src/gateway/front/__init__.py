"""The front authenticates and limits every request, then forwards it to a service."""
