"""Tests of the front and the issuer."""
