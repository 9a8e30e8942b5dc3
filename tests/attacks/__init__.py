"""Tests for every row of the attack table."""
