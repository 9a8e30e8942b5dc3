"""Signed calls to partners' systems (Standard Webhooks): allowed addresses, secrets, one call, retries."""
