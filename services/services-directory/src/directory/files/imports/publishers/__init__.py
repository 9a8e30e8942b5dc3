"""Whose ids a file holds, which entries its rows stand for, and which it no longer holds."""
