"""Information points: help near a place and risk warnings, for anybody, on any phone."""
