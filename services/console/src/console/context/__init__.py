"""Context analysis: stakeholders, problem tree, SWOT and work-plan milestones."""
