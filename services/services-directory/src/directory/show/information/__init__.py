"""Information points: help near a place and warnings of risks, for anybody, on any phone."""
