"""Context analysis: stakeholders, problem tree, SWOT and milestones of the work plan."""
